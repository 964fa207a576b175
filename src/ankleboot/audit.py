"""Doubt the data: wrong labels, duplicates inside and across splits, class balance.

    found = audit(load(), Path("audit"))

Labels are judged by probabilities that a model gives to images it was not trained on (out of fold):
a model that has seen an image repeats its label, right or wrong.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.arrays import Images, Indices, Labels, Probs
from ankleboot.data import CLASS_NAMES, Dataset, LabeledImages
from ankleboot.predictors import load_predictor
from ankleboot.recipes import SPRINT, Recipe
from ankleboot.training import train

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
    suspects = find_suspects(probs, part.labels)
    right = probs.argmax(axis=1) == part.labels
    trusted = np.ones(len(part), bool)
    trusted[[suspect.index for suspect in suspects]] = False
    say("looking for duplicates")
    return Audit(
        data=data.name,
        num_train=len(part),
        num_test=len(data.test),
        class_counts={
            name: dict(zip(CLASS_NAMES, np.bincount(of.labels, minlength=10).tolist(), strict=True))
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
    probs = np.empty((len(part), len(CLASS_NAMES)), np.float32)
    for number, held_out in enumerate(np.array_split(order, folds)):
        say(f"fold {number + 1} of {folds}: training on {len(part) - len(held_out):,} images")
        probs[held_out] = _probs_of(held_out, data, recipe)
    return probs


def _probs_of(held_out: Indices, data: Dataset, recipe: Recipe) -> np.ndarray:
    part = data.train
    others = np.setdiff1d(np.arange(len(part)), held_out)
    rows = np.concatenate([others, held_out])  # the recipe validates on the last images
    arranged = LabeledImages(part.images[rows], part.labels[rows])
    share = len(held_out) / len(part)
    adjusted = replace(
        recipe,
        split="last",
        validation_fraction=share,
        train_size=0,
        early_stopping=0,  # it would choose an epoch by the images to be judged
    )
    with tempfile.TemporaryDirectory() as folder:
        run = train(adjusted, replace(data, train=arranged), Path(folder) / "fold")
        return load_predictor(run.folder).predict(part.images[held_out])


def find_suspects(probs: Probs, labels: Labels) -> tuple[Suspect, ...]:
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
            label=CLASS_NAMES[whole[index]],
            suggested=CLASS_NAMES[probs[index].argmax()],
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


def _units(images: Images) -> np.ndarray:
    """Rows of length 1 around 0: their products are Pearson correlations."""
    flat = images.reshape(len(images), -1).astype(np.float32)
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
