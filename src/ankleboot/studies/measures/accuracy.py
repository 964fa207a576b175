"""How good the answers are, and how training went."""

from dataclasses import asdict
from typing import Any

from ankleboot.evaluation import metrics
from ankleboot.studies.measures.trained_run import TrainedRun
from ankleboot.studies.packing import packed

RIGHT = "right"
"""Which images were answered rightly; the runner keeps it out of the summary."""


def answers(trained: TrainedRun) -> dict[str, Any]:
    """Accuracy, loss and calibration error on validation images, and the curves by epoch."""
    labels = trained.part.labels
    right = trained.probs.argmax(axis=1) == labels
    found: dict[str, Any] = {
        "accuracy": float(right.mean()),
        "loss": metrics.log_loss(trained.probs, labels),
        "ece": metrics.expected_calibration_error(trained.probs, labels),
        "parameters": trained.model.count_params(),
        "train_seconds": trained.train_seconds,
        RIGHT: packed(right),
    }
    if trained.history:
        found["train_accuracy"] = trained.history[-1].train_accuracy
        rows = [asdict(record) for record in trained.history]
        names = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
        found |= {f"{name}_by_epoch": [round(row[name], 5) for row in rows] for name in names}
    return found
