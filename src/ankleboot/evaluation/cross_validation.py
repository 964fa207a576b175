"""Result of a cross-validation: every image judged by the model that has not seen it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ankleboot.core.csv_text import csv_text
from ankleboot.core.files import atomic_write, write_json
from ankleboot.core.records import Record
from ankleboot.core.types import Indices, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation import metrics
from ankleboot.evaluation.statistics import Interval, bootstrap_means, percentile_interval
from ankleboot.recipes.recipe import Recipe

RESULT_FILE = "cross_validation.json"
PREDICTION_FILE = "predictions.csv"


class OutOfFold(NamedTuple):
    """Probabilities of training images, each from the model that its fold was held out of."""

    rows: Indices
    probs: Probs
    folds: Indices


@dataclass(frozen=True)
class FoldScore:
    """Accuracy of one model on its held-out fold; `run_dir` is relative to the folder."""

    fold: int
    num_examples: int
    accuracy: float
    balanced_accuracy: float
    run_dir: str


@dataclass(frozen=True, repr=False)
class CrossValidation(Record):
    """Accuracy of a recipe on a data set, from models that were trained on the other folds.

    Attributes:
        folder: Folder of the runs, with this result and the prediction of every image.
        data: Name and hash of the data set.
        num_groups: Number of groups, each of which is in one fold, where the data names any; an
            image without a name is one of its own. 0 without names.
        accuracy: Accuracy on all images, each judged once.
        accuracy_ci95: Interval for other images, or for images of other groups; see
            `accuracy_interval`. It does not contain what training with another seed would change.
        accuracy_mean: Mean of the folds' accuracies, and their standard deviation.
        confusion_matrix: Counts of images by true class (row) and predicted class (column).
        notes: What was decided about the images.
    """

    folder: Path
    recipe: str
    seed: int
    num_folds: int
    data: dict[str, str]
    num_groups: int
    num_examples: int
    accuracy: float
    accuracy_ci95: Interval
    balanced_accuracy: float
    accuracy_mean: float
    accuracy_std: float
    balanced_accuracy_mean: float
    balanced_accuracy_std: float
    folds: tuple[FoldScore, ...]
    per_class: tuple[metrics.ClassScores, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def interval_over(self) -> str:
        """Unit that the interval is taken over: "groups" or "images"."""
        return "groups" if self.num_groups else "images"

    @property
    def sentence(self) -> str:
        """Conclusion in words."""
        low, high = self.accuracy_ci95
        over = f"over {self.num_groups:,} groups" if self.num_groups else "over images"
        return (
            f"{self.recipe} is right on {100 * self.accuracy:.1f} % of {self.num_examples:,} "
            f"images of {self.data['name']} that the model of the fold has not seen (95 % interval "
            f"{100 * low:.1f} to {100 * high:.1f} %, {over}); its {self.num_folds} folds have "
            f"{100 * self.accuracy_mean:.1f} +- {100 * self.accuracy_std:.1f} %."
        )

    def summary(self) -> dict[str, str]:
        """Return the recipe, the data and the accuracy."""
        low, high = self.accuracy_ci95
        return {
            "recipe": self.recipe,
            "images": f"{self.num_examples:,} of {self.data['name']} in {self.num_folds} folds",
            "accuracy": f"{100 * self.accuracy:.2f} % ({100 * low:.2f} to {100 * high:.2f})",
            "balanced_accuracy": f"{100 * self.balanced_accuracy:.2f} %",
        }

    def to_json(self) -> dict[str, Any]:
        """Return the document of `train --folds --json`."""
        document = asdict(self)
        derived = {"interval_over": self.interval_over, "sentence": self.sentence}
        return {"run_dir": str(document.pop("folder"))} | document | derived

    def write(self, predictions: OutOfFold, data: Dataset) -> None:
        """Write the prediction of every image, then the result, which marks it as complete."""
        atomic_write(self.folder / PREDICTION_FILE, _table(predictions, data).encode())
        document = self.to_json()
        del document["run_dir"]  # the folder may be moved
        write_json(self.folder / RESULT_FILE, document)


def summarize_folds(
    predictions: OutOfFold,
    data: Dataset,
    recipe: Recipe,
    run_dirs: Sequence[Path],
    notes: tuple[str, ...] = (),
) -> CrossValidation:
    """Compute the result from the predictions of all folds, whose runs are in `run_dirs`."""
    rows, probs, folds = predictions
    labels = data.train.labels[rows]
    metrics.validate_predictions(probs, labels)
    is_correct = probs.argmax(axis=1) == labels
    groups = data.groups[rows] if data.num_named_groups and data.groups is not None else None
    scores = [
        _score(number, probs[folds == number], labels[folds == number], run_dir)
        for number, run_dir in enumerate(run_dirs, 1)
    ]
    accuracies = [score.accuracy for score in scores]
    balanced = [score.balanced_accuracy for score in scores]
    matrix = metrics.confusion_matrix(
        probs.argmax(axis=1), labels, num_classes=len(data.class_names)
    )
    return CrossValidation(
        folder=run_dirs[0].parent,
        recipe=recipe.name,
        seed=recipe.seed,
        num_folds=len(run_dirs),
        data={"name": data.name, "train_sha256": data.train_sha256},
        num_groups=0 if groups is None else len(np.unique(groups)),
        num_examples=len(rows),
        accuracy=float(is_correct.mean()),
        accuracy_ci95=accuracy_interval(is_correct, groups),
        balanced_accuracy=metrics.balanced_accuracy(probs, labels),
        accuracy_mean=float(np.mean(accuracies)),
        accuracy_std=float(np.std(accuracies, ddof=1)),
        balanced_accuracy_mean=float(np.mean(balanced)),
        balanced_accuracy_std=float(np.std(balanced, ddof=1)),
        folds=tuple(scores),
        per_class=metrics.class_scores(matrix, data.class_names),
        confusion_matrix=tuple(map(tuple, matrix.tolist())),
        notes=notes,
    )


def _score(number: int, probs: Probs, labels: np.ndarray, run_dir: Path) -> FoldScore:
    return FoldScore(
        fold=number,
        num_examples=len(labels),
        accuracy=float((probs.argmax(axis=1) == labels).mean()),
        balanced_accuracy=metrics.balanced_accuracy(probs, labels),
        run_dir=run_dir.name,
    )


def accuracy_interval(is_correct: np.ndarray, groups: Indices | None) -> Interval:
    """Return the 95 % interval of an accuracy for other images, or for images of other groups.

    Images of one patient are right or wrong together, so whole groups are drawn. The interval is
    never narrower than Wilson's over images, and Wilson's over groups where all images agree, which
    resampling would turn into a point.
    """
    num_correct, num = int(is_correct.sum()), len(is_correct)
    if groups is None:
        return metrics.wilson_interval(num_correct, num)
    members = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(members)
    if num_correct in (0, num):
        return metrics.wilson_interval(len(sizes) if num_correct else 0, len(sizes))
    means = bootstrap_means(np.column_stack([np.bincount(members, is_correct), sizes]))
    low, high = percentile_interval(means[:, 0] / means[:, 1])
    least, most = metrics.wilson_interval(num_correct, num)
    return min(low, least), max(high, most)


def _table(predictions: OutOfFold, data: Dataset) -> str:
    """Return a line for each image: its file or row, classes, confidence, fold and group."""
    names, groups = data.class_names, data.groups if data.num_named_groups else None
    first = "path" if data.train.names else "row"
    lines: list[tuple[object, ...]] = [(first, "label", "predicted", "confidence", "fold", "group")]
    for row, probs, fold in zip(*predictions, strict=True):
        lines.append(
            (
                data.train.names[row] if data.train.names else row,
                names[data.train.labels[row]],
                names[int(probs.argmax())],
                f"{probs.max():.6f}",
                fold,
                "" if groups is None else groups[row],
            )
        )
    return csv_text(lines)
