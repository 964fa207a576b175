"""Accuracy, loss, calibration and learning curves of a run."""

from dataclasses import asdict
from typing import Any

from ankleboot.core.types import pack_array
from ankleboot.evaluation.calibration import expected_calibration_error
from ankleboot.evaluation.metrics import log_loss
from ankleboot.studies.measures.trained_run import TrainedRun


def measure_accuracy(trained: TrainedRun) -> dict[str, Any]:
    """Measure accuracy, loss and calibration error on validation images, and curves by epoch.

    "correct" tells which images are classified correctly; the row holds it apart from the measures.
    """
    labels = trained.validation.labels
    correct = trained.probs.argmax(axis=1) == labels
    measures: dict[str, Any] = {
        "accuracy": float(correct.mean()),
        "loss": log_loss(trained.probs, labels),
        "ece": expected_calibration_error(trained.probs, labels),
        "parameters": trained.model.count_params(),
        "train_seconds": trained.train_seconds,
        "correct": pack_array(correct),
    }
    if trained.history:
        measures["train_accuracy"] = trained.history[-1].train_accuracy
        rows = [asdict(record) for record in trained.history]
        names = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
        measures |= {f"{name}_by_epoch": [round(row[name], 5) for row in rows] for name in names}
    return measures
