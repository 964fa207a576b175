"""Accuracy, loss, calibration and learning curves of a run."""

from typing import Any

from ankleboot.core.types import pack_array
from ankleboot.evaluation.calibration import expected_calibration_error
from ankleboot.evaluation.metrics import log_loss
from ankleboot.studies.measures.trained_run import TrainedRun


def measure_accuracy(trained: TrainedRun) -> dict[str, Any]:
    """Measure accuracy, loss and calibration error on validation images, and curves by epoch.

    "correct" tells which images are classified correctly; the row holds it apart from the measures.
    """
    probs, labels, history = trained.probs, trained.validation.labels, trained.history
    correct = trained.predicted == labels
    measures: dict[str, Any] = {
        "accuracy": float(correct.mean()),
        "loss": log_loss(probs, labels),
        "ece": expected_calibration_error(probs, labels),
        "parameters": trained.model.count_params(),
        "train_seconds": trained.train_seconds,
        "correct": pack_array(correct),
    }
    if history:
        measures["train_accuracy"] = history[-1].train_accuracy
        for name in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
            values = [round(getattr(record, name), 5) for record in history]
            measures[f"{name}_by_epoch"] = values
    return measures
