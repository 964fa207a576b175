"""Measurements that a report shows."""

from dataclasses import dataclass
from typing import Any

from ankleboot.core.types import Probs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.error_analysis import ErrorAnalysis
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.robustness.measure_robustness import Robustness
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.run import Run


@dataclass(frozen=True)
class ReportInputs:
    """Measurements that the report shows.

    Attributes:
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
    model: Any
    learned: LabeledImages | None = None
    sizes: tuple[SizePoint, ...] = ()
