"""Audit of a data set: label errors, duplicates inside and across splits, class balance.

Out-of-fold probabilities decide which labels are doubtful, because a model repeats the labels of
the images that it was trained on. Fashion-MNIST is judged by trainings of `sprint`. The user's own
images, of which there are few, are judged by a linear layer on the features of `transfer`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ankleboot.core.environment import require_modules
from ankleboot.core.progress import counting
from ankleboot.core.types import Features, Indices, Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.load import no_progress
from ankleboot.evaluation import label_issues
from ankleboot.evaluation.label_issues import Agreement, Duplicates, LabelIssue, find_duplicates
from ankleboot.inference.load import load_predictor
from ankleboot.recipes.catalog import SPRINT, TRANSFER
from ankleboot.recipes.parse import override
from ankleboot.recipes.recipe import Recipe
from ankleboot.recipes.split_rule import SplitRule
from ankleboot.training.frozen_features import backbone_features
from ankleboot.training.linear_probe import out_of_fold_probs as linear_out_of_fold_probs
from ankleboot.training.temporary_run import temporary_run

NUM_FOLDS = 5
SMALL_ORIGINAL, SMALL_SIZE = 64, 112  # pixels per side, of an original and of what is judged


@dataclass(frozen=True)
class DataAudit:
    """Label errors, duplicates and class counts of a data set.

    Attributes:
        recipe: Name of the recipe that was trained once for each fold, or whose backbone computed
            the features.
        method: "training" of the recipe, or "linear layer" on the frozen features.
        out_of_fold_accuracy: Accuracy of the models on the images they were not trained on.
        accuracy_without_suspects: The same accuracy without the doubtful labels. It is higher on
            any data, because a label is doubtful if the models disagree with it.
        agreement: Cohen's kappa of the models with the labels, and the lower end of its interval.
        near_chance: Whether the models know too little to doubt a label; `suspects` is then empty.
        num_unusable: Training images that a label file leaves out, which are not judged.
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
    method: str = "training"
    agreement: Agreement | None = None
    near_chance: bool = False
    num_unusable: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the document of `data audit --json`."""
        return asdict(self)


@dataclass(frozen=True)
class LabelJudgment:
    """Out-of-fold predictions of a data set's training images.

    Attributes:
        rows: Positions of the judged images in the training file.
        probs: One row of probabilities for each of them.
        features: Features of each of them; None if the recipe was trained instead.
    """

    rows: Indices
    probs: Probs
    features: Features | None


def audit_data(
    data: Dataset,
    *,
    recipe: Recipe | None = None,
    folds: int = NUM_FOLDS,
    progress: Callable[[str], None] = no_progress,
) -> DataAudit:
    """Find doubtful labels and duplicates.

        audit = ankleboot.audit_data(ankleboot.load_data())

    Args:
        data: Data set to audit; its test images are compared with the training images alone.
        recipe: Recipe to train once for each fold, or of the architecture "transfer" for a linear
            layer on its backbone's features; None for `audit_recipe`.
        folds: Number of folds of the training file.
        progress: Function that receives a line before each training.

    Raises:
        DataError: If there are fewer different images than folds.
        EnvironmentFailure: If the backbone's weights are missing.
        ModuleNotFoundError: If a module of the extra "audit" is not installed.
    """
    require_audit_extra()
    recipe = recipe or audit_recipe(data)
    judged = judge_labels(data, recipe, folds, progress)
    train, test = data.train, data.test
    labels = train.labels[judged.rows]
    agreement = label_issues.measure_agreement(judged.probs, labels)
    suspects = () if agreement.is_near_chance else find_suspects(data, judged)
    is_correct = judged.probs.argmax(axis=1) == labels
    is_trusted = ~np.isin(judged.rows, [suspect.index for suspect in suspects])
    progress("searching for duplicates")
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
        method="training" if judged.features is None else "linear layer",
        agreement=agreement,
        near_chance=agreement.is_near_chance,
        num_unusable=len(train) - len(judged.rows),
    )


def require_audit_extra() -> None:
    """Fail before images are loaded, features computed or models trained for nothing.

    Raises:
        ModuleNotFoundError: If a module of the extra "audit" is not installed.
    """
    require_modules("cleanlab", "sklearn")


def audit_recipe(data: Dataset) -> Recipe:
    """Return the recipe that judges a data set by default.

    Images from the user's own files have features of `transfer`, at any size; `sprint` learns the
    images of other data sets, which are as large as those of Fashion-MNIST.
    """
    if not data.train.names and data.image_shape == SPRINT.image_spec.image_shape:
        return SPRINT
    return fitted_recipe(TRANSFER, data)


def judge_labels(
    data: Dataset, recipe: Recipe, folds: int, progress: Callable[[str], None]
) -> LabelJudgment:
    """Predict each usable training image with a model that has not seen it."""
    unusable = data.label_changes.unusable if data.label_changes else np.empty(0, np.int64)
    rows = np.setdiff1d(np.arange(len(data.train)), unusable)
    if recipe.architecture != "transfer":
        return LabelJudgment(rows, out_of_fold_probs(data, recipe, folds, progress)[rows], None)
    features = backbone_features(data.train.images, fitted_recipe(recipe, data), progress)[rows]
    groups = None if data.groups is None else data.groups[rows]
    progress(f"{folds} folds: fitting a linear layer to {len(rows):,} images")
    labels, num_classes = data.train.labels[rows], len(data.class_names)
    probs = linear_out_of_fold_probs(features, labels, groups, num_classes, folds)
    return LabelJudgment(rows, probs, features)


def find_suspects(data: Dataset, judged: LabelJudgment) -> tuple[LabelIssue, ...]:
    """List the doubtful labels with the names of their files, the most doubtful first."""
    labels = data.train.labels[judged.rows]
    issues = label_issues.find_label_issues(judged.probs, labels, data.class_names)
    names = data.train.names
    indices = [int(judged.rows[issue.index]) for issue in issues]
    return tuple(
        replace(issue, index=index, file=names[index] if names else "")
        for issue, index in zip(issues, indices, strict=True)
    )


def fitted_recipe(recipe: Recipe, data: Dataset) -> Recipe:
    """Return a recipe that takes images of the data's size; its backbone takes any.

    Small originals were enlarged, so that half the size has all of their detail and takes a quarter
    of the time.
    """
    size, report = data.image_shape[0], data.folder_report
    if report is not None and max(report.largest) <= SMALL_ORIGINAL:
        size = min(size, SMALL_SIZE)
    is_color = len(data.image_shape) == 3
    if (recipe.image_size, recipe.color) == (size, is_color):
        return recipe
    changes = {"image_size": size, "color": is_color, "crop": "none"}
    return override(recipe, changes | {"max_shift": 0})  # augmentation has no say here


def out_of_fold_probs(
    data: Dataset, recipe: Recipe, folds: int, progress: Callable[[str], None]
) -> Probs:
    """Predict each training image with a model that was trained on the other folds."""
    train = data.train
    order = np.random.default_rng(recipe.seed).permutation(len(train))
    probs = np.empty((len(train), len(data.class_names)), np.float32)
    with counting("folds", folds) as report:
        for number, held_out in enumerate(np.array_split(order, folds)):
            num_train = len(train) - len(held_out)
            progress(f"fold {number + 1} of {folds}: training on {num_train:,} images")
            report(number)
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
        groups=None,
        folder_report=None,
    )
    rule = asdict(SplitRule())  # has no effect, since `validation` is given
    # early stopping would choose an epoch by the held-out images
    choices: dict[str, Any] = {"patience": 0, "keep": "last"} | rule
    fold_recipe = replace(recipe, **choices)
    with temporary_run() as folder:
        run = fit(fold_recipe, fold, folder)
        return load_predictor(run.folder).predict(train.images[held_out])


def _class_counts(data: Dataset, images: LabeledImages) -> dict[str, int]:
    counts = np.bincount(images.labels, minlength=len(data.class_names)).tolist()
    return dict(zip(data.class_names, counts, strict=True))
