"""Judge a Predictor on labelled images: every image, honest intervals, all classes."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.files import write_json
from ankleboot.core.types import Labels, Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.verify_data import verify_same_data
from ankleboot.evaluation import calibration, metrics
from ankleboot.evaluation.metrics import ClassScores
from ankleboot.evaluation.statistics import Interval, bootstrap_means, percentile_interval
from ankleboot.inference.load import Predictor, load_predictor
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe

TEST_SIZES = {"fashion-mnist": 10_000, "sample": 500}
"""Images in the test split of each data set; an evaluation of fewer is no result."""


@dataclass(frozen=True)
class Evaluation:
    """What a model achieved on a split.

    Attributes:
        accuracy_ci95: Wilson interval for other images of this kind; says nothing of other seeds.
        top2_accuracy_ci95: Likewise. The intervals of loss, brier and ece are bootstrapped.
        loss: Mean cross-entropy in nats.
        brier: Sum over classes of squared errors, averaged over images.
        ece: Expected calibration error in 15 bins.
        confusion_matrix: Rows are true classes, columns predicted ones.
        test_reads: How often the test split has been looked at with this model, this time included.
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
    per_class: tuple[ClassScores, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    test_reads: int

    def to_json(self) -> dict[str, Any]:
        """The document of `evaluate --json`."""
        return asdict(self)


def select_split(data: Dataset, split: str, of: Recipe | ModelMetadata) -> LabeledImages:
    """The images of a split: "test", or "validation" as `validation_part` says.

    Raises:
        DataError: If the data has no test part, or has changed since the model learned it.
        UsageError: If the model knows other classes, or learned other data.
    """
    if isinstance(of, ModelMetadata) and of.labels != data.class_names:
        raise UsageError(
            f"the model's classes are {', '.join(of.labels)}; "
            f"those of {data.name} are {', '.join(data.class_names)}"
        )
    if split != "test":
        return validation_images(of, data)
    if not len(data.test):
        raise DataError(f"{data.name} has no test part; take --split validation")
    return data.test


def validation_images(of: Recipe | ModelMetadata, data: Dataset) -> LabeledImages:
    """The images that choices are made on: a recipe's, or those that a model did not learn.

    Raises:
        DataError: If the data has changed since the model learned it.
        UsageError: If a model learned another data set: which of these images it knows is unknown.
    """
    if isinstance(of, Recipe):
        return data.train.take(data.split(of).validation)
    if of.data_sha256 not in ("", data.train_sha256) and of.data == data.name:
        raise DataError(
            f"{data.name} has changed since the model was trained: which images are new to it is "
            "unknown"
        )
    if of.data not in ("", data.name) and of.data_sha256 != data.train_sha256:
        raise UsageError(
            f"the model was trained on {of.data}; it has no validation images in {data.name}, "
            "take --split test"
        )
    return data.train.take(data.split(recipe_of(of)).validation)


def recipe_of(info: ModelMetadata) -> Recipe:
    """A recipe with the model's split, for `split` to find the images it learned."""
    return Recipe(
        name="default",
        split=info.split,
        validation_fraction=info.validation_fraction,
        # with split=last the seed draws training images alone
        split_seed=info.split_seed if info.split == "stratified" else 0,
    )


def calibrate(run: Run, data: Dataset) -> Calibration:
    """Fit a finished run's temperature and threshold on its validation images, and store them.

    From now on `load_predictor` of the run gives calibrated probabilities. A run that has a
    calibration keeps it.

    Raises:
        ModelError: If the run is not complete, or its model is damaged.
        UsageError: If the run was trained on other data.
    """
    if (known := run.calibration()) is not None:
        return known
    verify_same_data(run, data)
    part = validation_images(run.recipe(), data)
    fitted = calibration.fit_calibration(
        load_predictor(run.folder).predict(part.images), part.labels
    )
    write_json(run.calibration_path, fitted.to_json())
    return fitted


def evaluate(
    predictor: Predictor, part: LabeledImages, *, data: str, split: str, test_reads: int
) -> Evaluation:
    """Predict all images of a part and compute every figure.

    Args:
        predictor: What is judged.
        part: Images with labels.
        data: Name of the data set.
        split: "test" or "validation".
        test_reads: See `Evaluation`.

    Raises:
        DataError: If the test split is not whole, or an answer cannot be judged.
    """
    return evaluate_probs(
        predictor.name,
        predictor.predict(part.images),
        part.labels,
        class_names=predictor.info.labels,
        data=data,
        split=split,
        test_reads=test_reads,
    )


def evaluate_probs(
    model: str,
    probs: Probs,
    labels: Labels,
    *,
    class_names: tuple[str, ...],
    data: str,
    split: str,
    test_reads: int,
) -> Evaluation:
    """As `evaluate`, of answers that are there already, and with the names of their classes.

    Raises:
        DataError: If the test split is not whole, or an answer cannot be judged.
    """
    if split == "test" and len(labels) != TEST_SIZES.get(data, len(labels)):
        raise DataError(
            f"the test split of {data} has {TEST_SIZES[data]} images, got {len(labels)}"
        )
    metrics.validate_predictions(probs, labels)
    matrix = metrics.confusion_matrix(probs.argmax(axis=1), labels, num_classes=len(class_names))
    num_correct = int(matrix.trace())
    top2 = metrics.top_k_accuracy(probs, labels, k=2)
    return Evaluation(
        model=model,
        data=data,
        split=split,
        num_examples=len(labels),
        accuracy=num_correct / len(labels),
        accuracy_ci95=metrics.wilson_interval(num_correct, len(labels)),
        top2_accuracy=top2,
        loss=metrics.log_loss(probs, labels),
        brier=metrics.brier_loss(probs, labels),
        ece=metrics.expected_calibration_error(probs, labels),
        top2_accuracy_ci95=metrics.wilson_interval(round(top2 * len(labels)), len(labels)),
        **_bootstrapped(probs, labels),
        per_class=metrics.class_scores(matrix, class_names),
        confusion_matrix=tuple(tuple(int(cell) for cell in row) for row in matrix),
        test_reads=test_reads,
    )


def _bootstrapped(probs: Probs, labels: Labels) -> dict[str, Interval]:
    """Intervals of loss, Brier score and calibration error from the same resampled images."""
    rows = np.arange(len(labels))
    gaps = np.zeros((len(labels), metrics.NUM_BINS))  # its column's sum is that bin's gap
    right = probs.argmax(axis=1) == labels
    gaps[rows, metrics.confidence_bins(probs, metrics.NUM_BINS)] = probs.max(axis=1) - right
    values = np.column_stack(
        [metrics.log_losses(probs, labels), metrics.brier_losses(probs, labels), gaps]
    )
    means = bootstrap_means(values)
    return {
        "loss_ci95": percentile_interval(means[:, 0]),
        "brier_ci95": percentile_interval(means[:, 1]),
        "ece_ci95": _ece_interval(
            np.abs(means[:, 2:]).sum(axis=1), metrics.expected_calibration_error(probs, labels)
        ),
    }


def _ece_interval(resampled: np.ndarray, ece: float) -> Interval:
    """A cautious interval of the calibration error.

    A sum of absolute values grows with noise: few images bias the estimate upwards, and resampling
    them biases it once more. What resampling adds is therefore taken off at the lower end, three
    times (less does not reach 0 for a perfectly calibrated model); a test simulates it.
    """
    low, high = percentile_interval(resampled)
    mean = float(resampled.mean())
    bias = max(0.0, mean - ece)
    return max(0.0, ece - 3 * bias - (mean - low)), ece + (high - mean)
