"""How far what was learned by heart is ahead of what was understood."""

from typing import Any

from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.studies.measures.trained_run import TrainedRun, predict

NUM_IMAGES = 6_000  # training images, evenly spaced among those that were trained on


def fit(trained: TrainedRun) -> dict[str, Any]:
    """The gap between training and validation accuracy, the best epoch, the rise of the loss after.

    The training accuracy is the finished network's, without dropout and augmentation, so that the
    gaps of variants with and without them compare.
    """
    places = trained.data.split(trained.recipe).train
    chosen = places[:: max(1, len(places) // NUM_IMAGES)]
    known = trained.data.train.take(chosen)
    right = float((predict(trained.model, known.images).argmax(axis=1) == known.labels).mean())
    held_out = float((trained.probs.argmax(axis=1) == trained.part.labels).mean())
    verdict = diagnose_fit(trained.history)
    lowest = min(trained.history, key=lambda record: record.validation_loss)
    return {
        "known_accuracy": right,
        "gap": right - held_out,
        "best_epoch": verdict.best_epoch,
        "lowest_loss": lowest.validation_loss,
        "loss_rise": verdict.loss_rise,
        "epochs": len(trained.history),
        "verdict": verdict.verdict,
    }
