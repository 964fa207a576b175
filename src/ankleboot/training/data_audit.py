"""Audit of a data set: label errors, duplicates inside and across splits, class balance.

Out-of-fold probabilities decide which labels are doubtful, because a model repeats the labels of
the images that it was trained on.
"""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.types import Indices, Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.load import no_progress
from ankleboot.evaluation import label_issues
from ankleboot.evaluation.label_issues import Duplicates, LabelIssue, find_duplicates
from ankleboot.inference.load import load_predictor
from ankleboot.recipes.catalog import SPRINT
from ankleboot.recipes.recipe import Recipe

NUM_FOLDS = 5


@dataclass(frozen=True)
class DataAudit:
    """Label errors, duplicates and class counts of a data set.

    Attributes:
        recipe: Name of the recipe that was trained once for each fold.
        out_of_fold_accuracy: Accuracy of the models on the images they were not trained on.
        accuracy_without_suspects: The same accuracy without the doubtful labels. It is higher on
            any data, because a label is doubtful if the models disagree with it.
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
        """Return the document of `data audit --json`."""
        return asdict(self)


def audit_data(
    data: Dataset,
    *,
    recipe: Recipe = SPRINT,
    folds: int = NUM_FOLDS,
    progress: Callable[[str], None] = no_progress,
) -> DataAudit:
    """Find doubtful labels and duplicates.

        audit = ankleboot.audit_data(ankleboot.load_data())

    Args:
        data: Data set to audit; its test images are compared with the training images alone.
        recipe: Recipe to train once for each fold.
        folds: Number of folds of the training file.
        progress: Function that receives a line before each training.
    """
    train, test = data.train, data.test
    probs = out_of_fold_probs(data, recipe, folds, progress)
    suspects = label_issues.find_label_issues(probs, train.labels, data.class_names)
    is_correct = probs.argmax(axis=1) == train.labels
    is_trusted = ~np.isin(np.arange(len(train)), [suspect.index for suspect in suspects])
    progress("looking for duplicates")
    return DataAudit(
        data=data.name,
        num_train=len(train),
        num_test=len(test),
        class_counts={"train": _class_counts(data, train), "test": _class_counts(data, test)},
        recipe=recipe.name,
        folds=folds,
        out_of_fold_accuracy=float(is_correct.mean()),
        accuracy_without_suspects=float(is_correct[is_trusted].mean()),
        suspects=suspects,
        duplicates=(
            find_duplicates("train", train, "test", test),
            find_duplicates("train", train, "train", train),
            find_duplicates("test", test, "test", test),
        ),
    )


def out_of_fold_probs(
    data: Dataset, recipe: Recipe, folds: int, progress: Callable[[str], None]
) -> Probs:
    """Predict each training image with a model that was trained on the other folds."""
    train = data.train
    order = np.random.default_rng(recipe.seed).permutation(len(train))
    probs = np.empty((len(train), len(data.class_names)), np.float32)
    for number, held_out in enumerate(np.array_split(order, folds)):
        num_train = len(train) - len(held_out)
        progress(f"fold {number + 1} of {folds}: training on {num_train:,} images")
        probs[held_out] = _held_out_probs(held_out, data, recipe)
    return probs


def _held_out_probs(held_out: Indices, data: Dataset, recipe: Recipe) -> Probs:
    from ankleboot.training.trainer import fit  # TensorFlow, which drawing an audit must not load

    train = data.train
    others = np.setdiff1d(np.arange(len(train)), held_out)
    rows = np.concatenate([others, held_out])
    fold = replace(
        data,
        train=LabeledImages(train.images[rows], train.labels[rows]),
        validation=np.arange(len(others), len(train)),
        duplicates=None,
        folder_report=None,
    )
    # early stopping would choose an epoch by the held-out images
    fold_recipe = replace(recipe, train_size=0, patience=0)
    with tempfile.TemporaryDirectory() as folder:
        run = fit(fold_recipe, fold, Path(folder) / "fold")
        return load_predictor(run.folder).predict(train.images[held_out])


def _class_counts(data: Dataset, images: LabeledImages) -> dict[str, int]:
    counts = np.bincount(images.labels, minlength=len(data.class_names)).tolist()
    return dict(zip(data.class_names, counts, strict=True))
