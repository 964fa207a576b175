"""Evaluation of a model on a whole split: metrics, confidence intervals, classes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.errors import DataError
from ankleboot.core.files import make_folder, write_json
from ankleboot.core.records import Record
from ankleboot.core.splits import EVALUATION_FILES
from ankleboot.core.types import Labels, Probs
from ankleboot.core.views import VIEWS_BELOW
from ankleboot.data.fashion_mnist.recognize import KNOWN
from ankleboot.evaluation import metrics as scores
from ankleboot.evaluation.adoption.examine import resolve_or_examine
from ankleboot.evaluation.calibration import NUM_BINS, confidence_bins, expected_calibration_error
from ankleboot.evaluation.evidence import Evidence, weigh_evidence
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.evaluation.select_split import DataSource, dataset_for, judged_images
from ankleboot.evaluation.statistics import Interval, bootstrap_means, percentile_interval
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.load import Model
from ankleboot.inference.views import PredictionCost, ViewsPredictor, cost_of, untrained_notes

Metric = Callable[[Probs, Labels], float]

TEST_SIZES = {name: test_images.count for name, (_, _, test_images, _) in KNOWN.items()}
"""Number of images in the test split of each data set; a test evaluation covers all of them."""


@dataclass(frozen=True, repr=False)
class Evaluation(Record):
    """Metrics of a model on a split.

    Attributes:
        accuracy_ci95: Wilson interval for other images of this kind; training with another seed
            varies more. The interval of top-2 is of the same kind, the others are bootstrapped.
        loss: Mean cross-entropy in nats.
        brier: Sum over classes of squared errors, averaged over images.
        ece: Expected calibration error in `NUM_BINS` bins.
        confusion_matrix: Counts of images by true class (row) and predicted class (column).
        num_test_evaluations: Evaluations of this model on the test split, this one included.
        metrics: Further metrics by name; see the kind "metrics" of `core/plugins.py`.
        evidence: Counts that the accuracy rests on.
        cost: Passes of a network that the predictions needed.
        notes: What was decided about the images.
    """

    model: str
    data: str
    split: str
    num_examples: int
    accuracy: float
    accuracy_ci95: Interval
    top2_accuracy: float
    loss: float
    brier: float
    ece: float
    top2_accuracy_ci95: Interval
    loss_ci95: Interval
    brier_ci95: Interval
    ece_ci95: Interval
    per_class: tuple[scores.ClassScores, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    num_test_evaluations: int
    metrics: dict[str, float]
    evidence: Evidence
    cost: PredictionCost = PredictionCost()
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Limits of the accuracy in words: few images, a strong baseline, neglected classes."""
        return (*self.notes, *self.evidence.sentences(self.split))

    @property
    def confusions(self) -> tuple[tuple[int, str, str], ...]:
        """Number of images, true class and predicted class of every error, most frequent first."""
        names = [scores.label for scores in self.per_class]
        cells = (
            (count, names[row], names[column])
            for row, counts in enumerate(self.confusion_matrix)
            for column, count in enumerate(counts)
            if row != column and count
        )
        return tuple(sorted(cells, reverse=True))

    def summary(self) -> dict[str, str]:
        """Return the model, the split and the main metrics."""
        return {
            "model": self.model,
            "split": f"{self.num_examples:,} {self.split} images of {self.data}",
            "accuracy": f"{100 * self.accuracy:.2f} %",
            "loss": f"{self.loss:.4f}",
            "ece": f"{self.ece:.4f}",
        }

    def to_json(self) -> dict[str, Any]:
        """Return the document of `evaluate --json`."""
        document = asdict(self) | {"sentences": list(self.sentences)}
        return document | {"test_reads": document.pop("num_test_evaluations")}

    def write(self, folder: Path) -> list[Path]:
        """Write the metrics and a figure of the confusion matrix; return their paths."""
        from ankleboot.evaluation.plots.evaluation import confusion
        from ankleboot.evaluation.plots.style import save_figure

        make_folder(folder)
        paths = [folder / EVALUATION_FILES[self.split], folder / f"confusion-{self.split}.png"]
        write_json(paths[0], self.to_json())
        save_figure(confusion(self), paths[1])
        return paths


def evaluate(
    model: Model,
    data: DataSource = None,
    *,
    split: str | None = None,
    metrics: Mapping[str, Metric] | Sequence[str] | None = None,
    views: str | None = None,
    views_below: float = VIEWS_BELOW,
) -> Evaluation:
    """Evaluate a model on all images of a split.

        ankleboot.evaluate("pretrained").accuracy

    Choose between models with the validation split; evaluations on the test split are counted.

    Args:
        model: A run, a predictor, a path or the name of a shipped model. A file that another tool
            made is examined first, as `adopt` does it; the notes say what was found.
        data: Data set; by default the one that the model was trained on. Of labeled data that are
            new to the model and have no test split, all images are judged (`split` is then "new");
            some of the model's classes may be missing.
        split: "validation", "held-out" or "test"; None for validation, test for adopted models, and
            the held-out images for a model of a fold.
        metrics: Further metrics: names of the kind "metrics", or functions by name. By default all
            names that `plugins.names("metrics")` lists.
        views: "flip" or "flip-shift": test-time augmentation, which predicts an image of little
            confidence in several views. It makes no sense where a mirror image is another class.
        views_below: Confidence in the plain view below which an image gets the others.

    Raises:
        DataError: If the test split is incomplete, or a probability is not finite.
        ModelError: If the model is missing or damaged.
        UsageError: If a metric or the views are unknown, or the model was trained on other data or
            classes.
    """
    resolved = resolve_or_examine(model, data)
    predictor, dataset = resolved.predictor, dataset_for(resolved, data)
    judged = judged_images([resolved], dataset, split)
    images, split = judged.of(dataset), judged.split
    functions = resolve_metrics(metrics)
    viewed = None if views is None else ViewsPredictor(predictor, views, views_below)
    count = count_evaluation(resolved, split)
    probs, cost = cached_predictions(resolved, images.images, split), cost_of(predictor.info.passes)
    if viewed is not None:
        probs, passes = viewed.with_views(images.images, probs)
        cost = cost_of(predictor.info.passes, passes)
    predictions = probs, images.labels, predictor.info.labels
    evaluation = evaluate_probs(
        *predictions, functions, count, model=predictor.name, data=dataset.name, split=split
    )
    notes = resolved.notes + judged.notes + untrained_notes(resolved, views)
    return replace(evaluation, cost=cost, notes=notes)


def resolve_metrics(metrics: Mapping[str, Metric] | Sequence[str] | None) -> dict[str, Metric]:
    """Return the functions of metrics by name; of all that are known if `metrics` is None."""
    if isinstance(metrics, Mapping):
        return dict(metrics)
    names = plugins.names("metrics") if metrics is None else metrics
    return {name: plugins.resolve("metrics", name) for name in names}


def evaluate_probs(
    probs: Probs,
    labels: Labels,
    class_names: tuple[str, ...],
    metrics: Mapping[str, Metric],
    num_test_evaluations: int = 0,
    *,
    model: str,
    data: str,
    split: str,
) -> Evaluation:
    """Compute all metrics of predictions that were made before; errors as in `evaluate`."""
    num, size = len(labels), TEST_SIZES.get(data)
    if split == "test" and size not in (None, num):
        raise DataError(f"the test split of {data} has {size} images, got {num}")
    scores.validate_predictions(probs, labels)
    predicted = probs.argmax(axis=1)
    matrix = scores.confusion_matrix(predicted, labels, num_classes=len(class_names))
    num_correct = int(matrix.trace())
    top2 = scores.top_k_accuracy(probs, labels, k=2)
    ece = expected_calibration_error(probs, labels)
    return Evaluation(
        model=model,
        data=data,
        split=split,
        num_examples=num,
        accuracy=num_correct / num,
        accuracy_ci95=scores.wilson_interval(num_correct, num),
        top2_accuracy=top2,
        loss=scores.log_loss(probs, labels),
        brier=scores.brier_loss(probs, labels),
        ece=ece,
        top2_accuracy_ci95=scores.wilson_interval(round(top2 * num), num),
        **_bootstrapped(probs, labels, ece),
        per_class=scores.class_scores(matrix, class_names),
        confusion_matrix=tuple(map(tuple, matrix.tolist())),
        num_test_evaluations=num_test_evaluations,
        metrics={name: float(metric(probs, labels)) for name, metric in metrics.items()},
        evidence=weigh_evidence(predicted, labels, class_names),
    )


def _bootstrapped(probs: Probs, labels: Labels, ece: float) -> dict[str, Any]:
    """Return the intervals of loss, Brier score and ECE from the same resampled images."""
    rows = np.arange(len(labels))
    gaps = np.zeros((len(labels), NUM_BINS))  # the sum of a column is the gap of that bin
    is_correct = probs.argmax(axis=1) == labels
    gaps[rows, confidence_bins(probs)] = probs.max(axis=1) - is_correct
    losses = scores.log_losses(probs, labels), scores.brier_losses(probs, labels)
    means = bootstrap_means(np.column_stack([*losses, gaps]))
    return {
        "loss_ci95": percentile_interval(means[:, 0]),
        "brier_ci95": percentile_interval(means[:, 1]),
        "ece_ci95": _ece_interval(np.abs(means[:, 2:]).sum(axis=1), ece),
    }


def _ece_interval(resampled: np.ndarray, ece: float) -> Interval:
    """Return a cautious interval of the expected calibration error.

    A sum of absolute values grows with noise: few images bias the estimate upwards, and resampling
    adds the same bias once more. The lower end subtracts that bias three times; with less, the
    interval of a perfectly calibrated model misses 0, as a test simulates.
    """
    low, high = percentile_interval(resampled)
    mean = float(resampled.mean())
    bias = max(0.0, mean - ece)
    return max(0.0, ece - 3 * bias - (mean - low)), ece + (high - mean)
