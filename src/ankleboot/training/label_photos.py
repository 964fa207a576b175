"""Table of pseudo-labels for folders of photos: run the networks, compute labels, write them.

A photo without a confident label has no row: a model learns more from fewer labels that are right.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.csv_text import csv_text
from ankleboot.core.environment import require_modules
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.files import atomic_write
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.types import Features, Probs
from ankleboot.data.image_folder.cache import cache_images
from ankleboot.data.image_folder.content import hash_images
from ankleboot.data.image_folder.listing import ImageFile
from ankleboot.data.load import Progress, no_progress
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.inference.load import load_predictor
from ankleboot.models.pretrained.catalog import ZERO_SHOT
from ankleboot.recipes.catalog import TRANSFER
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.training import pseudo_labels
from ankleboot.training.frozen_features import backbone_features

COLUMNS = ("path", "label", "confidence")
MIN_PHOTOS = 20  # fewer leave the frequencies of ten classes open
CUT_OUT = ImageSpec(TRANSFER.image_size, color=True, crop="cut-out")


@dataclass(frozen=True)
class PhotoSignals:
    """Answers of the networks about photos on which a garment was found.

    Attributes:
        paths: Files of the photos.
        no_garment: Files of photos without a garment.
        unreadable: Reason for each file that cannot be read.
        zero_shot: Probabilities of the ten classes.
        imagenet: Probabilities of the names of ImageNet.
        features: Features that the backbone has for the garment on white.
    """

    paths: tuple[Path, ...]
    no_garment: tuple[Path, ...]
    unreadable: dict[Path, str]
    zero_shot: pseudo_labels.KnownProbs
    imagenet: pseudo_labels.NameProbs
    features: Features


@dataclass(frozen=True)
class LabeledPhotos:
    """Table of pseudo-labels that was written, and what is not in it.

    Attributes:
        classes: Number of rows of each class.
        left_out: Number of photos by the reason why they have no row.
        unreadable: Reason for each file that cannot be read.
        frequencies: Share of each class, and of something else, that was assumed.
    """

    table: Path
    num_images: int
    num_labeled: int
    min_confidence: float
    classes: dict[str, int]
    left_out: dict[str, int]
    unreadable: dict[str, str]
    frequencies: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the document of `pseudo-label --json`."""
        return asdict(self) | {"table": str(self.table)}


def label_photos(
    folders: Iterable[AnyPath],
    output: AnyPath,
    *,
    min_confidence: float,
    progress: Progress = no_progress,
) -> LabeledPhotos:
    """Label unlabeled photos of single garments, and write a table of the confident ones.

    Args:
        folders: Folders of photos; those below them count as well, whatever their names.
        output: New CSV file.
        min_confidence: Least confidence of a row.
        progress: Function that receives a line before work that takes long.

    Raises:
        UsageError: If a folder is missing, or the output exists or has no folder.
        DataError: If there are too few photos, or no label is confident.
        EnvironmentFailure: If the weights of the backbone are missing, a photo cannot be read for a
            reason other than its content, or the output cannot be written.
    """
    require_modules("sklearn")
    table = expand(output).absolute()
    if table.exists():
        raise UsageError(f"{output}: exists already; name a new file with --output FILE")
    if not table.parent.is_dir():
        raise UsageError(f"{table.parent}: no such folder for the table")
    signals = photo_signals(_find(folders, progress), progress)
    if len(signals.paths) < MIN_PHOTOS:
        raise DataError(
            f"photos with a garment on them: {len(signals.paths)}; {MIN_PHOTOS} are needed to "
            "estimate how frequent the classes are (ankleboot predict labels photos one by one)"
        )
    progress(f"learning from {len(signals.paths):,} photos without labels")
    prior = pseudo_labels.prior_probs(signals.zero_shot, signals.imagenet)
    frequencies = pseudo_labels.estimated_frequencies(prior)
    inputs = pseudo_labels.Components(signals.features).of(signals.features)
    probs = pseudo_labels.refined(inputs, prior, frequencies)
    result, rows = _summarize(signals, probs, frequencies, min_confidence, expand(output))
    if not rows:
        raise DataError(f"no photo has a label with a confidence of {min_confidence:g} or more")
    _write(table, rows)
    return result


def _summarize(
    signals: PhotoSignals,
    probs: Probs,
    frequencies: pseudo_labels.Frequencies,
    min_confidence: float,
    table: Path,
) -> tuple[LabeledPhotos, list[tuple[Path, str, float]]]:
    """Return the counts, and the path, label and confidence of each photo in the table."""
    names = (*CLASS_NAMES, pseudo_labels.OTHER)
    confidences, is_kept, is_other = pseudo_labels.chosen(probs, min_confidence)
    rows = [
        (signals.paths[i], names[probs[i].argmax()], confidences[i].item())
        for i in np.flatnonzero(is_kept)
    ]
    counts = Counter(label for _, label, _ in rows)
    result = LabeledPhotos(
        table=table,
        num_images=len(signals.paths) + len(signals.no_garment) + len(signals.unreadable),
        num_labeled=len(rows),
        min_confidence=min_confidence,
        classes={name: counts[name] for name in CLASS_NAMES},
        left_out={
            "low confidence": int((~is_kept & ~is_other).sum()),
            pseudo_labels.OTHER: int(is_other.sum()),
            "no garment found": len(signals.no_garment),
            "unreadable": len(signals.unreadable),
        },
        unreadable={str(path): reason for path, reason in signals.unreadable.items()},
        frequencies=dict(zip(names, frequencies.tolist(), strict=True)),
    )
    return result, rows


def _find(folders: Iterable[AnyPath], progress: Progress) -> list[Path]:
    """Return the images of folders, each once."""
    found: dict[Path, None] = {}
    for folder in map(expand, folders):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder")
        images = [path.absolute() for path in find_images([folder], progress) if path != folder]
        if not images:
            raise UsageError(f"{folder}: no images in this folder")
        found |= dict.fromkeys(images)
    return list(found)


def photo_signals(paths: Sequence[Path], progress: Progress) -> PhotoSignals:
    """Decode photos and run the networks; images and features are kept in the cache.

    Raises:
        DataError: If none of the photos can be read.
        EnvironmentFailure: See `label_photos`.
    """
    from ankleboot.models.backbones import efficientnet_lite

    files = hash_images([ImageFile(path, str(path), "train", "") for path in paths])
    garments = cache_images(files, ImageSpec(), progress)
    readable = [path for row, path in enumerate(paths) if row not in garments.unreadable]
    unreadable = {paths[row]: reason for row, reason in garments.unreadable.items()}
    if not readable:
        path, reason = next(iter(unreadable.items()))
        raise DataError(f"none of {len(paths):,} images can be read, such as {path} ({reason})")
    cut_outs = cache_images(files, CUT_OUT, progress)
    features = backbone_features(cut_outs.images, TRANSFER, progress)
    zero_shot = load_predictor(ZERO_SHOT).predict(garments.images)
    imagenet = efficientnet_lite.imagenet_probs(
        features, TRANSFER.weights, size=efficientnet_lite.LITE0_SIZE
    )
    has_garment = np.asarray(garments.images.any(axis=(1, 2)))  # nothing of a garment is 0
    return PhotoSignals(
        paths=tuple(path for path, found in zip(readable, has_garment, strict=True) if found),
        no_garment=tuple(p for p, found in zip(readable, has_garment, strict=True) if not found),
        unreadable=unreadable,
        zero_shot=zero_shot[has_garment],
        imagenet=imagenet[has_garment],
        features=features[has_garment],
    )


def _write(table: Path, kept: Sequence[tuple[Path, str, float]]) -> None:
    """Write the rows; a path below the table's folder is relative to it, so that both can move."""
    folder = table.parent
    rows = [
        (
            (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix(),
            label,
            round(confidence, 4),
        )
        for path, label, confidence in kept
    ]
    atomic_write(table, csv_text([COLUMNS, *rows]).encode("utf-8", "surrogateescape"))
