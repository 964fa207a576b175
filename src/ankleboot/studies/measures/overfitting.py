"""Gap between training and validation accuracy."""

from typing import Any

from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.studies.measures.trained_run import TrainedRun, predict

NUM_IMAGES = 6_000  # training images, evenly spaced among those that were trained on


def measure_overfitting(trained: TrainedRun) -> dict[str, Any]:
    """Measure the accuracy gap, the best epoch and the rise of the loss after it.

    The finished network gives the training accuracy, without dropout and augmentation, so that
    gaps of variants with and without them are comparable.
    """
    indices = trained.data.split(trained.recipe.split_rule).train
    chosen = indices[:: max(1, len(indices) // NUM_IMAGES)]
    known = trained.data.train.take(chosen)
    train_accuracy = float(
        (predict(trained.model, known.images).argmax(axis=1) == known.labels).mean()
    )
    validation_accuracy = float((trained.probs.argmax(axis=1) == trained.validation.labels).mean())
    verdict = diagnose_fit(trained.history)
    lowest = min(trained.history, key=lambda record: record.validation_loss)
    return {
        "known_accuracy": train_accuracy,
        "gap": train_accuracy - validation_accuracy,
        "best_epoch": verdict.best_epoch,
        "lowest_loss": lowest.validation_loss,
        "loss_rise": verdict.loss_rise,
        "epochs": len(trained.history),
        "verdict": verdict.verdict,
    }
