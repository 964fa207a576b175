"""Doubt the data: wrong labels, duplicates inside and across splits, class balance.

    found = audit(load(), Path("audit"))

Labels are judged by probabilities that a model gives to images it was not trained on (out of fold):
a model that has seen an image repeats its label, right or wrong.
"""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.types import Indices, Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.evaluation.label_issues import (
    Duplicates,
    LabelIssue,
    find_duplicates,
    find_label_issues,
)
from ankleboot.inference.load import load_predictor
from ankleboot.recipes.catalog import SPRINT
from ankleboot.recipes.recipe import Recipe

NUM_FOLDS = 5

Say = Callable[[str], None]


@dataclass(frozen=True)
class DataAudit:
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
    suspects: tuple[LabelIssue, ...]
    duplicates: tuple[Duplicates, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def audit_data(
    data: Dataset, say: Say, *, recipe: Recipe = SPRINT, folds: int = NUM_FOLDS
) -> DataAudit:
    """Look for doubtful labels and duplicates.

    Args:
        data: A data set; its test images are compared with the training images, not labelled.
        say: Called with a line of progress.
        recipe: Trained once for every fold.
        folds: Parts of the training file; each is judged by a model trained on the others.
    """
    part = data.train
    probs = out_of_fold_probs(data, recipe, folds, say)
    suspects = find_label_issues(probs, part.labels, data.class_names)
    right = probs.argmax(axis=1) == part.labels
    trusted = np.ones(len(part), bool)
    trusted[[suspect.index for suspect in suspects]] = False
    say("looking for duplicates")
    return DataAudit(
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
    from ankleboot.training.trainer import (
        fit,  # TensorFlow: not for those who draw what was found
    )

    part = data.train
    others = np.setdiff1d(np.arange(len(part)), held_out)
    rows = np.concatenate([others, held_out])  # the last ones validate
    arranged = LabeledImages(part.images[rows], part.labels[rows])
    validation = np.arange(len(others), len(part))
    arrangement = replace(data, train=arranged, validation=validation, twins=None, findings=None)
    adjusted = replace(
        recipe,
        train_size=0,
        patience=0,  # it would choose an epoch by the images to be judged
    )
    with tempfile.TemporaryDirectory() as folder:
        run = fit(adjusted, arrangement, Path(folder) / "fold")
        return load_predictor(run.folder).predict(part.images[held_out])


def _counts(part: LabeledImages, class_names: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(part.labels, minlength=len(class_names)).tolist()
    return dict(zip(class_names, counts, strict=True))
