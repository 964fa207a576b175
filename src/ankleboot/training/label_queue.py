"""Images in the order in which a person should look at their labels.

Labels that exist are doubted by predictions out of fold, the most doubtful first. New images have
none; the most uncertain prediction, which teaches most, comes first (active learning).

Source: Settles 2009 (margin sampling), https://burrsettles.com/pub/settles.activelearning.pdf
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypedDict

import numpy as np

from ankleboot.core.documents import read_document
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.types import Features, Images, Indices, Labels, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import Progress
from ankleboot.data.splits import deal_folds
from ankleboot.evaluation import label_issues
from ankleboot.inference.load import ResolvedModel
from ankleboot.recipes.catalog import TRANSFER
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.training import linear_probe
from ankleboot.training.data_audit import (
    NUM_FOLDS,
    LabelJudgment,
    find_suspects,
    fitted_recipe,
    judge_labels,
)
from ankleboot.training.frozen_features import backbone_features
from ankleboot.training.image_set import ImageSet, load_new_images

NUM_NEIGHBORS = 6


class AuditSuspect(TypedDict):
    """Doubtful label in the document of an audit."""

    file: str


class AuditDocument(TypedDict):
    """Fields of audit.json that a queue needs."""

    suspects: list[AuditSuspect]


@dataclass(frozen=True)
class LabelQueue:
    """Images to decide on, and what is known about them.

    Attributes:
        shown: Images to decide on.
        order: Rows of `shown`, the first to decide on first.
        num_suspects: Number of rows at the front whose labels are doubtful.
        labels: Label of each image before all decisions; -1 for a new one.
        probs: Probabilities of each image from a layer that was not fitted to it; NaN for an image
            that was left out.
        model_probs: Probabilities from the model of the user, if there is one.
        is_learned: Whether that model was trained on the image.
        known: Labeled images among which neighbors are found, and their labels.
        notes: What was assumed, one line each.
    """

    shown: ImageSet
    order: Indices
    num_suspects: int
    labels: Labels
    probs: Probs
    features: Features
    known: ImageSet
    known_labels: np.ndarray
    known_features: np.ndarray  # of another number of images than `features`
    class_names: tuple[str, ...]
    data_name: str  # of the labeled images
    model_name: str = ""
    model_probs: Probs | None = None
    is_learned: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def _unit_features(self) -> np.ndarray:
        return _normalized(self.known_features)

    def neighbors(self, row: int) -> list[tuple[int, float]]:
        """Return the most similar labeled images: rows of `known`, and cosine similarities."""
        similarity = self._unit_features @ _normalized(self.features[row : row + 1])[0]
        if self.shown is self.known:
            similarity[row] = -np.inf
        nearest = np.argsort(-similarity, kind="stable")[:NUM_NEIGHBORS]
        return [(int(i), float(similarity[i])) for i in nearest if np.isfinite(similarity[i])]


def _normalized(features: Features) -> Features:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    normalized: np.ndarray = features / np.maximum(norms, 1e-12)
    return normalized


def suspect_queue(data: Dataset, audit: Path | None, progress: Progress) -> LabelQueue:
    """Order the training and validation images of a data set by the doubt in their labels.

    Args:
        data: Data set of image files, loaded with the image spec of `transfer`.
        audit: Folder of `ankleboot data audit` whose suspects come first; None finds them.
        progress: Function that receives a line before work that takes long.

    Raises:
        UsageError: If the images come from no files, or there is no such audit.
        DataError: If the audit is of other data.
    """
    train = data.train
    if not train.names:
        raise UsageError(f"{data.name} has no image files whose labels could be changed")
    recipe = fitted_recipe(TRANSFER, data)
    judged = judge_labels(data, recipe, NUM_FOLDS, progress)
    features = judged.features
    if features is None or len(features) < len(train):  # without those that are not usable
        features = backbone_features(train.images, recipe, progress)
    probs = np.full((len(train), len(data.class_names)), np.nan, np.float32)
    probs[judged.rows] = judged.probs
    suspects, notes = _suspect_rows(data, judged, audit)
    given = judged.probs[np.arange(len(judged.rows)), train.labels[judged.rows]]
    by_doubt = judged.rows[np.argsort(given, kind="stable")]
    unusable = np.setdiff1d(np.arange(len(train)), judged.rows)
    order = np.array(list(dict.fromkeys([*suspects, *by_doubt.tolist(), *unusable.tolist()])))
    shown = _image_set(data)
    changes = data.label_changes
    return LabelQueue(
        shown=shown,
        order=order,
        num_suspects=len(suspects),
        labels=changes.original if changes else train.labels,
        probs=probs,
        features=features,
        known=shown,
        known_labels=train.labels,
        known_features=features,
        class_names=data.class_names,
        data_name=data.name,
        notes=notes,
    )


def _suspect_rows(
    data: Dataset, judged: LabelJudgment, audit: Path | None
) -> tuple[list[int], tuple[str, ...]]:
    """Return the rows of the suspects, and what is to be said about them."""
    if audit is not None:
        return _audited_rows(data, audit), ()
    agreement = label_issues.measure_agreement(judged.probs, data.train.labels[judged.rows])
    if agreement.is_near_chance:
        note = (
            "The predictions are near chance, so no label can be doubted; the order has no meaning."
        )
        return [], (note,)
    return [issue.index for issue in find_suspects(data, judged)], ()


def new_image_queue(data: Dataset, folder: Path, progress: Progress) -> LabelQueue:
    """Order the images of a folder by the uncertainty of a layer that is fitted to a data set.

    Raises:
        UsageError: If there is no image in the folder.
        DataError: If an image cannot be decoded.
    """
    recipe = fitted_recipe(TRANSFER, data)
    is_color = len(data.image_shape) == 3
    spec = ImageSpec(data.image_shape[0], color=is_color, crop="none")
    shown = load_new_images(folder, spec, progress)
    features = backbone_features(shown.images, recipe, progress)
    changes = data.label_changes
    unusable = np.zeros(0, np.int64) if changes is None else changes.unusable
    rows = np.setdiff1d(np.arange(len(data.train)), unusable)
    known = backbone_features(data.train.images, recipe, progress)
    known_set = _image_set(data)
    queue = LabelQueue(
        shown=shown,
        order=np.arange(len(features)),
        num_suspects=0,
        labels=np.full(len(features), -1),
        probs=np.empty((len(features), len(data.class_names)), np.float32),
        features=features,
        known=replace(
            known_set,
            names=tuple(known_set.names[i] for i in rows) if known_set.names else (),
            images=known_set.images[rows] if len(unusable) else known_set.images,
        ),
        known_labels=data.train.labels[rows],
        known_features=known[rows],
        class_names=data.class_names,
        data_name=data.name,
    )
    progress(f"fitting a linear layer to {len(rows):,} images")
    return refitted(queue, {})


def refitted(queue: LabelQueue, decided: dict[int, int]) -> LabelQueue:
    """Fit the layer to the labeled images and to decided new ones, and order the new images anew.

    Args:
        queue: Queue of new images.
        decided: Class of each decided image, by its row.
    """
    rows = list(decided)
    features = np.concatenate([queue.known_features, queue.features[rows]])
    labels = np.concatenate([queue.known_labels, np.array(list(decided.values()), np.int64)])
    num_classes = len(queue.class_names)
    folds = deal_folds(labels, None, NUM_FOLDS, np.random.default_rng(linear_probe.FOLD_SEED))
    penalty = linear_probe.choose_penalty(features, labels, folds, num_classes)
    probe = linear_probe.LinearProbe(features, labels, num_classes, penalty)
    probs = probe.predict(queue.features)
    return replace(queue, probs=probs, order=np.argsort(margins(probs), kind="stable"))


def with_model(
    queue: LabelQueue, model: ResolvedModel, images: Images, learned: Sequence[int], *, new: bool
) -> LabelQueue:
    """Add the predictions of a model; new images are then ordered by its uncertainty.

    Args:
        queue: Queue of the images.
        model: Model with the classes of the queue.
        images: Images of the queue in the model's image spec.
        learned: Rows that the model was trained on.
        new: Whether the images are new to everybody.

    Raises:
        UsageError: If the model has other classes.
    """
    info = model.predictor.info
    if info.labels != queue.class_names:
        raise UsageError(
            f"the model's classes are {', '.join(info.labels)}; those of the data are "
            f"{', '.join(queue.class_names)}"
        )
    probs = model.predictor.predict(images)
    is_learned = np.zeros(len(images), bool)
    is_learned[list(learned)] = True
    order = np.argsort(margins(probs), kind="stable") if new else queue.order
    return replace(
        queue, model_name=model.name, model_probs=probs, is_learned=is_learned, order=order
    )


def margins(probs: Probs) -> np.ndarray:
    """Return the lead of the most likely class; it is small where a model is uncertain."""
    highest = np.sort(probs, axis=1)
    lead: np.ndarray = highest[:, -1] - highest[:, -2]
    return lead


def _image_set(data: Dataset) -> ImageSet:
    """Return the training images; the paths in a table are relative to its folder."""
    source = Path(data.source)
    folder = source if source.is_dir() else source.parent
    return ImageSet(folder, data.train.names, data.train.images)


def _audited_rows(data: Dataset, folder: Path) -> list[int]:
    """Return the rows of the suspects that an audit stored."""
    path = folder / "audit.json"
    missing_audit = UsageError(f"--audit {folder}: no audit there")
    document = read_document(path, AuditDocument, missing=missing_audit, error=DataError)
    files = [suspect["file"] for suspect in document["suspects"]]
    row_of = {name: row for row, name in enumerate(data.train.names)}
    if missing := [file for file in files if file not in row_of]:
        raise DataError(
            f"{path}: {len(missing):,} of its {len(files):,} suspects are not in {data.name}, such "
            f"as {missing[0]}; audit these data"
        )
    return [row_of[file] for file in files]
