"""Doubt the data: wrong labels, duplicates inside and across splits, class balance.

    found = audit(load(), Path("audit"))

Labels are judged by probabilities that a model gives to images it was not trained on (out of fold):
a model that has seen an image repeats its label, right or wrong.
"""

import hashlib
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ankleboot.arrays import IMAGE_SIZE, Images, Indices, Labels, Probs
from ankleboot.data import Dataset, LabeledImages
from ankleboot.predictors import load_predictor
from ankleboot.recipes import SPRINT, Recipe

FOLDS = 5
NEAR = 0.99  # Pearson correlation of raw pixels from which two images are near duplicates
BLOCK = 2_000  # rows of the correlation matrix that are held at once

Say = Callable[[str], None]


@dataclass(frozen=True)
class Suspect:
    """An image whose label is doubtful.

    Attributes:
        index: In the training file.
        quality: cleanlab's label quality, 0 to 1; the lower, the more doubtful.
        p_given: Out-of-fold probability of the label it has.
    """

    index: int
    label: str
    suggested: str
    quality: float
    p_given: float
    p_suggested: float


@dataclass(frozen=True)
class Duplicates:
    """Pairs of images that are the same, or nearly.

    Attributes:
        exact: Images whose bytes are in the other part, or earlier in the same one.
        near: Images of the second part with a neighbour in the first at a correlation above 0.99.
        conflicts: Of `near`, those whose nearest neighbour has another label.
        pairs: The near ones: (index in the second, index in the first, correlation), best first.
    """

    between: str
    exact: int
    near: int
    conflicts: int
    pairs: tuple[tuple[int, int, float], ...]


@dataclass(frozen=True)
class Audit:
    """What was found in a data set.

    Attributes:
        out_of_fold_accuracy: Of the models on images they were not trained on.
        accuracy_without_suspects: The same without the doubtful labels. It is higher on any data:
            a label is doubtful because the models disagree with it.
    """

    data: str
    num_train: int
    num_test: int
    class_counts: dict[str, dict[str, int]]
    recipe: str
    folds: int
    out_of_fold_accuracy: float
    accuracy_without_suspects: float
    suspects: tuple[Suspect, ...]
    duplicates: tuple[Duplicates, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def audit(data: Dataset, say: Say, *, recipe: Recipe = SPRINT, folds: int = FOLDS) -> Audit:
    """Look for doubtful labels and duplicates.

    Args:
        data: A data set; its test images are compared with the training images, not labelled.
        say: Called with a line of progress.
        recipe: Trained once for every fold.
        folds: Parts of the training file; each is judged by a model trained on the others.
    """
    part = data.train
    probs = out_of_fold_probs(data, recipe, folds, say)
    suspects = find_suspects(probs, part.labels, data.class_names)
    right = probs.argmax(axis=1) == part.labels
    trusted = np.ones(len(part), bool)
    trusted[[suspect.index for suspect in suspects]] = False
    say("looking for duplicates")
    return Audit(
        data=data.name,
        num_train=len(part),
        num_test=len(data.test),
        class_counts={
            name: _counts(of, data.class_names)
            for name, of in (("train", part), ("test", data.test))
        },
        recipe=recipe.name,
        folds=folds,
        out_of_fold_accuracy=float(right.mean()),
        accuracy_without_suspects=float(right[trusted].mean()),
        suspects=suspects,
        duplicates=(
            find_duplicates("train", part, "test", data.test),
            find_duplicates("train", part, "train", part),
            find_duplicates("test", data.test, "test", data.test),
        ),
    )


def out_of_fold_probs(data: Dataset, recipe: Recipe, folds: int, say: Say) -> Probs:
    """Probabilities of every training image by a model that was trained on the other folds."""
    part = data.train
    order = np.random.default_rng(recipe.seed).permutation(len(part))
    probs = np.empty((len(part), len(data.class_names)), np.float32)
    for number, held_out in enumerate(np.array_split(order, folds)):
        say(f"fold {number + 1} of {folds}: training on {len(part) - len(held_out):,} images")
        probs[held_out] = _probs_of(held_out, data, recipe)
    return probs


def _probs_of(held_out: Indices, data: Dataset, recipe: Recipe) -> np.ndarray:
    from ankleboot.training import train  # TensorFlow: not for those who draw what was found

    part = data.train
    others = np.setdiff1d(np.arange(len(part)), held_out)
    rows = np.concatenate([others, held_out])  # the last ones validate
    arranged = LabeledImages(part.images[rows], part.labels[rows])
    validation = np.arange(len(others), len(part))
    arrangement = replace(data, train=arranged, validation=validation, twins=None, findings=None)
    adjusted = replace(
        recipe,
        train_size=0,
        early_stopping=0,  # it would choose an epoch by the images to be judged
    )
    with tempfile.TemporaryDirectory() as folder:
        run = train(adjusted, arrangement, Path(folder) / "fold")
        return load_predictor(run.folder).predict(part.images[held_out])


def _counts(part: LabeledImages, class_names: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(part.labels, minlength=len(class_names)).tolist()
    return dict(zip(class_names, counts, strict=True))


def find_suspects(
    probs: Probs, labels: Labels, class_names: tuple[str, ...]
) -> tuple[Suspect, ...]:
    """Labels that cleanlab doubts, the most doubtful first.

    Source: Northcutt et al. 2021 (confident learning), https://arxiv.org/abs/1911.00068
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    whole = labels.astype(np.int64)
    quality = get_label_quality_scores(whole, probs)
    found = find_label_issues(whole, probs, return_indices_ranked_by="self_confidence", n_jobs=1)
    return tuple(
        Suspect(
            index=int(index),
            label=class_names[whole[index]],
            suggested=class_names[probs[index].argmax()],
            quality=float(quality[index]),
            p_given=float(probs[index, whole[index]]),
            p_suggested=float(probs[index].max()),
        )
        for index in found
    )


def find_duplicates(
    first_name: str, first: LabeledImages, second_name: str, second: LabeledImages
) -> Duplicates:
    """Compare every image of the second part with every one of the first."""
    same_part = first is second
    units = _units(first.images)
    queries = units if same_part else _units(second.images)
    pairs, conflicts = [], 0
    for start in range(0, len(queries), BLOCK):
        block = queries[start : start + BLOCK]
        # of a part with itself each pair counts once: only earlier images are neighbours
        known = units[: start + len(block)] if same_part else units
        similar = block @ known.T
        if same_part:
            rows = np.arange(len(block))
            similar[rows[:, None], start + rows[None, :]] = np.where(
                rows[None, :] < rows[:, None], similar[:, start : start + len(block)], -1
            )
        best = similar.argmax(axis=1)
        values = similar[np.arange(len(block)), best]
        for row in np.flatnonzero(values > NEAR):
            pairs.append((start + int(row), int(best[row]), float(values[row])))
            conflicts += int(second.labels[start + row] != first.labels[best[row]])
    return Duplicates(
        between=f"{second_name} and {first_name}",
        exact=_num_exact(first.images, None if same_part else second.images),
        near=len(pairs),
        conflicts=conflicts,
        pairs=tuple(sorted(pairs, key=lambda pair: -pair[2])),
    )


def _small(images: Images) -> np.ndarray:
    """Grey and of 28 x 28 pixels: enough to find what is nearly the same."""
    if images.shape[1:] == (IMAGE_SIZE, IMAGE_SIZE):
        return images
    small = np.empty((len(images), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for image, target in zip(images, small, strict=True):
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        cv2.resize(grey, target.shape, dst=target, interpolation=cv2.INTER_AREA)
    return small


def _units(images: Images) -> np.ndarray:
    """Rows of length 1 around 0: their products are Pearson correlations."""
    small = _small(images)
    flat = small.reshape(len(images), math.prod(small.shape[1:])).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), np.float32(1e-9))
    return flat


def _num_exact(first: np.ndarray, second: np.ndarray | None) -> int:
    """Images of the second that are in the first byte by byte; of one part, repeated ones."""
    digests = [hashlib.sha256(image.tobytes()).digest() for image in first]
    known = set(digests)
    if second is None:
        return len(digests) - len(known)
    return sum(hashlib.sha256(image.tobytes()).digest() in known for image in second)
