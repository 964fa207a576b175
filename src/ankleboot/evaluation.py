"""Judge a Predictor on labelled images: every image, honest intervals, all classes."""

from dataclasses import asdict, dataclass
from typing import Any

from ankleboot import calibration, metrics
from ankleboot.calibration import Calibration
from ankleboot.data import CLASS_NAMES, Dataset, LabeledImages
from ankleboot.data.splits import split
from ankleboot.errors import DataError
from ankleboot.files import write_json
from ankleboot.metrics import ClassScores
from ankleboot.predictors import Predictor, load_predictor
from ankleboot.recipes import Recipe
from ankleboot.runs import Run

TEST_SIZES = {"fashion-mnist": 10_000, "sample": 500}
"""Images in the test split of each data set; an evaluation of fewer is no result."""


@dataclass(frozen=True)
class Evaluation:
    """What a model achieved on a split.

    Attributes:
        accuracy_ci95: Wilson interval for other images of this kind; says nothing of other seeds.
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
    accuracy_ci95: tuple[float, float]
    top2_accuracy: float
    loss: float
    brier: float
    ece: float
    per_class: tuple[ClassScores, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    test_reads: int

    def to_json(self) -> dict[str, Any]:
        """The document of `evaluate --json`."""
        return asdict(self)


def validation_part(recipe: Recipe, data: Dataset) -> LabeledImages:
    """The images that choices are made on."""
    chosen = split(data.train.labels, recipe).validation
    return LabeledImages(data.train.images[chosen], data.train.labels[chosen])


def calibrate(run: Run, data: Dataset) -> Calibration:
    """Fit a finished run's temperature and threshold on its validation images, and store them.

    From now on `load_predictor` of the run gives calibrated probabilities. A run that has a
    calibration keeps it.

    Raises:
        ModelError: If the run is not complete, or its model is damaged.
    """
    if (known := run.calibration()) is not None:
        return known
    part = validation_part(run.recipe(), data)
    fitted = calibration.fit(load_predictor(run.folder).predict(part.images), part.labels)
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
    if split == "test" and len(part) != TEST_SIZES[data]:
        raise DataError(f"the test split of {data} has {TEST_SIZES[data]} images, got {len(part)}")
    probs = predictor.predict(part.images)
    metrics.check(probs, part.labels)
    matrix = metrics.confusion_matrix(probs.argmax(axis=1), part.labels)
    num_correct = int(matrix.trace())
    return Evaluation(
        model=predictor.name,
        data=data,
        split=split,
        num_examples=len(part),
        accuracy=num_correct / len(part),
        accuracy_ci95=metrics.wilson_interval(num_correct, len(part)),
        top2_accuracy=metrics.top_k_accuracy(probs, part.labels, k=2),
        loss=metrics.log_loss(probs, part.labels),
        brier=metrics.brier_loss(probs, part.labels),
        ece=metrics.expected_calibration_error(probs, part.labels),
        per_class=metrics.class_scores(matrix, CLASS_NAMES),
        confusion_matrix=tuple(tuple(int(cell) for cell in row) for row in matrix),
        test_reads=test_reads,
    )
