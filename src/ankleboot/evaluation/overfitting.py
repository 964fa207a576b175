"""Diagnosis of over- and underfitting from the learning curves of a run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, takewhile
from typing import Any

from ankleboot.core.errors import DataError
from ankleboot.evaluation.evidence import Evidence
from ankleboot.models.history import EpochRecord, History
from ankleboot.recipes.recipe import Recipe

MIN_GAP = 0.02  # training accuracy above validation accuracy
LARGE_GAP = 0.05  # overfitting, regardless of the validation loss
MIN_LOSS_RISE = 0.10  # validation loss above its minimum, as a fraction of the minimum
STILL_FALLING = 0.02  # fall of the validation loss in the last epoch, as a fraction
MIN_SETBACK = 0.10  # rise of the training loss above its minimum so far ...
MIN_VALIDATION_SETBACK = 0.50  # ... and of the validation loss, which overfitting alone parts
LOW_ACCURACY = 0.85  # a plain dense network reaches it; a CNN below it is underfitted


@dataclass(frozen=True)
class FitDiagnosis:
    """Over- or underfitting, with the numbers behind it.

    Attributes:
        verdict: "overfitting", "unstable", "underfitting", "still improving", "about right" or
            "too short".
        best_epoch: Epoch with the lowest validation loss.
        gap: Training minus validation accuracy after the last epoch, as a fraction.
        gap_opened: First epoch from which on the gap exceeded two points; None if there is none.
        loss_rise: Rise of the validation loss since its minimum, as a fraction of the minimum.
    """

    verdict: str
    best_epoch: int
    gap: float
    gap_opened: int | None
    loss_rise: float
    sentences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the document of verdict.json."""
        return asdict(self)


def diagnose_fit(
    history: History,
    recipe: Recipe | None = None,
    evidence: Evidence | None = None,
    model_epoch: int | None = None,
) -> FitDiagnosis:
    """Diagnose over- or underfitting from the epochs of a run.

    The thresholds are rules of thumb. Training accuracy is measured while the weights change, with
    dropout and augmentation, so a gap below two points means nothing.

    Args:
        history: Epochs of the run.
        recipe: Recipe of the run, which says how many epochs were frozen.
        evidence: Counts of the validation images, whose limits are then described as well.
        model_epoch: Epoch whose weights are the result.

    Raises:
        DataError: If the history has no epoch.
    """
    if not history:
        raise DataError("the history has no epoch; expected at least one")
    last, lowest = history[-1], min(history, key=lambda record: record.validation_loss)
    gap = _gap(last)
    rise = last.validation_loss / max(lowest.validation_loss, 1e-12) - 1
    wide = takewhile(lambda record: _gap(record) > MIN_GAP, reversed(history))
    opened = min((record.epoch for record in wide), default=None)
    thawed = history[recipe.head_epochs :] if recipe else history
    verdict = _verdict(history, thawed, gap, rise)
    conclusion = _conclusion(verdict, lowest, last)
    if model_epoch and model_epoch < last.epoch:
        conclusion += f" The result is epoch {model_epoch}, the best one."
    sentences = (
        conclusion,
        _loss_sentence(lowest, last, rise),
        _gap_sentence(last, gap, opened),
        *(evidence.sentences("validation") if evidence else ()),
    )
    return FitDiagnosis(verdict, lowest.epoch, gap, opened, rise, sentences)


def _gap(record: EpochRecord) -> float:
    return record.train_accuracy - record.validation_accuracy


def _is_unstable(history: History) -> bool:
    """Check if the losses of training and validation rose together; overfitting parts them."""
    if len(history) < 2:
        return False
    train = _largest_setback([record.train_loss for record in history])
    validation = [record.validation_loss for record in history]
    ends_badly = validation[-1] > (1 + MIN_LOSS_RISE) * min(validation)
    setback = _largest_setback(validation)
    return ends_badly and train > MIN_SETBACK and setback > MIN_VALIDATION_SETBACK


def _largest_setback(losses: Sequence[float]) -> float:
    """Return the largest rise above the lowest loss so far, as a fraction of that."""
    lowest = list(accumulate(losses, min))
    return max(loss / max(low, 1e-12) - 1 for loss, low in zip(losses, lowest, strict=True))


def _verdict(history: History, thawed: History, gap: float, rise: float) -> str:
    last = history[-1]
    if len(history) == 1:
        return "too short"
    if (rise > MIN_LOSS_RISE and gap > MIN_GAP) or gap > LARGE_GAP:
        return "overfitting"
    earlier = min(record.validation_loss for record in history[:-1])
    if last.validation_loss < (1 - STILL_FALLING) * earlier:
        return "still improving"
    if _is_unstable(thawed):
        return "unstable"
    if last.train_accuracy < LOW_ACCURACY:
        return "underfitting"
    return "about right"


_CONCLUSIONS = {
    "overfitting": "Overfitting: accuracy on training images is far above that on new ones; "
    "dropout or augmentation would help.",
    "still improving": "Still improving: the validation loss was falling when training ended; "
    "more epochs would help.",
    "unstable": "Unstable: the losses of training and validation rose together while training, so "
    "the learning rate is too high for these images; a lower learning_rate would help.",
    "underfitting": "Underfitting: accuracy is low on the training images, too; "
    "a larger network or another learning rate would help.",
    "too short": "Too short to diagnose: one epoch shows no trend.",
    "about right": "About right: the validation loss is near its lowest, and the training loss is "
    "low.",
}


def _conclusion(verdict: str, lowest: EpochRecord, last: EpochRecord) -> str:
    if verdict == "overfitting" and lowest.epoch < last.epoch:
        return (
            f"Overfitting: after epoch {lowest.epoch} of {last.epoch} the network memorized "
            "training images; patience, dropout or augmentation would help."
        )
    return _CONCLUSIONS[verdict]


def _loss_sentence(lowest: EpochRecord, last: EpochRecord, rise: float) -> str:
    start = (
        f"The validation loss was lowest after epoch {lowest.epoch} ({lowest.validation_loss:.4f})"
    )
    if lowest.epoch == last.epoch:
        return f"{start}, the last one; the training loss was {last.train_loss:.4f} then."
    return (
        f"{start} and {100 * rise:.0f} % higher at the end ({last.validation_loss:.4f}), while the "
        f"training loss went from {lowest.train_loss:.4f} to {last.train_loss:.4f}."
    )


def _gap_sentence(last: EpochRecord, gap: float, opened: int | None) -> str:
    sentence = (
        f"Accuracy at the end: training {100 * last.train_accuracy:.2f} %, validation "
        f"{100 * last.validation_accuracy:.2f} %"
    )
    if gap <= 0:
        return f"{sentence}, no gap."
    sentence += f", a gap of {100 * gap:.2f} points"
    if opened is None:
        return f"{sentence}."
    return f"{sentence}; it has stayed above {100 * MIN_GAP:g} since epoch {opened}."
