"""Measurements that a report shows."""

from dataclasses import dataclass

from ankleboot.core.types import Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.error_analysis import ErrorAnalysis
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.robustness.measure_robustness import Robustness
from ankleboot.inference.load import ResolvedModel
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.run import Run


@dataclass(frozen=True)
class ReportInputs:
    """Measurements that the report shows.

    Attributes:
        model: The calibrated model of the run.
        learned: Training images of the run, for neighbors; None if they are not there any more.
    """

    run: Run
    data: Dataset
    images: LabeledImages
    probs: Probs
    calibration: Calibration
    evaluation: Evaluation
    errors: ErrorAnalysis
    robustness: Robustness
    model: ResolvedModel
    learned: LabeledImages | None = None
    sizes: tuple[SizePoint, ...] = ()

    @property
    def adopted(self) -> str:
        """Name of the file that the model was adopted from; "" if it was trained here."""
        return self.run.metadata().adopted

    @property
    def has_neighbors(self) -> bool:
        """True if there is a network to find similar images, and the images that it learned."""
        return self.learned is not None and self.model.network is not None
