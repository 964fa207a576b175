"""Gap between training and validation accuracy."""

from typing import Any

from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.studies.measures.trained_run import TrainedRun, accuracy

NUM_IMAGES = 6_000  # training images, evenly spaced among those that were trained on


def measure_overfitting(trained: TrainedRun) -> dict[str, Any]:
    """Measure the accuracy gap, the best epoch and the rise of the loss after it.

    The finished network gives the training accuracy, without dropout and augmentation, so that
    gaps of variants with and without them are comparable.
    """
    indices = trained.data.split(trained.recipe.split_rule).train
    chosen = indices[:: max(1, len(indices) // NUM_IMAGES)]
    known = trained.data.train.take(chosen)
    train_accuracy = accuracy(trained.model, known.images, known.labels)
    validation_accuracy = float((trained.predicted == trained.validation.labels).mean())
    diagnosis = diagnose_fit(trained.history)
    return {
        "known_accuracy": train_accuracy,
        "gap": train_accuracy - validation_accuracy,
        "best_epoch": diagnosis.best_epoch,
        "lowest_loss": min(record.validation_loss for record in trained.history),
        "loss_rise": diagnosis.loss_rise,
        "epochs": len(trained.history),
        "verdict": diagnosis.verdict,
    }
