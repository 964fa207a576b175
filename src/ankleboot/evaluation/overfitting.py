"""Say in words what the learning curves show: underfitted, overfitted, or about right."""

from dataclasses import asdict, dataclass
from typing import Any

from ankleboot.core.errors import DataError
from ankleboot.models.run import EpochRecord, History

GAP = 0.02  # training accuracy ahead of validation accuracy by this much: a gap worth naming
LARGE_GAP = 0.05  # overfitting whatever the validation loss does
LOSS_RISE = 0.10  # validation loss above its minimum by this fraction: memorising
STILL_FALLING = 0.02  # validation loss still falling by this fraction in the last epoch
TINY_LOSS = 1e-12  # below any loss that matters; keeps a ratio finite
LOW_ACCURACY = 0.85  # what a plain dense network reaches; below it a CNN has learned too little


@dataclass(frozen=True)
class FitDiagnosis:
    """Over- or underfitting, read from the curves.

    Attributes:
        verdict: "overfitting", "underfitting", "still improving", "about right" or "too short".
        best_epoch: Epoch with the lowest validation loss.
        gap: Training minus validation accuracy after the last epoch, as a fraction.
        gap_opened: First epoch from which the gap stayed above two points; None if it did not.
        loss_rise: Rise of the validation loss since its minimum, as a fraction of the minimum.
        sentences: The same in words, the conclusion first.
    """

    verdict: str
    best_epoch: int
    gap: float
    gap_opened: int | None
    loss_rise: float
    sentences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def diagnose_fit(history: History) -> FitDiagnosis:
    """Judge the curves of a run.

    The thresholds are rules of thumb, stated in the sentences' numbers so that a reader can judge
    for themselves. Training accuracy is measured while the weights still change (and with dropout
    and augmentation on), so a gap of two points is the least that is named.

    Raises:
        DataError: If there is no epoch to judge.
    """
    if not history:
        raise DataError("no epoch to judge yet")
    last, lowest = history[-1], min(history, key=lambda record: record.validation_loss)
    gap = last.train_accuracy - last.validation_accuracy
    rise = last.validation_loss / max(lowest.validation_loss, TINY_LOSS) - 1
    opened = _gap_opened(history)
    verdict = _verdict(history, gap, rise)
    return FitDiagnosis(
        verdict=verdict,
        best_epoch=lowest.epoch,
        gap=gap,
        gap_opened=opened,
        loss_rise=rise,
        sentences=(
            _conclusion(verdict, lowest, last),
            _loss_sentence(lowest, last, rise),
            _gap_sentence(last, gap, opened),
        ),
    )


def _verdict(history: History, gap: float, rise: float) -> str:
    last = history[-1]
    if len(history) == 1:
        return "too short"
    if (rise > LOSS_RISE and gap > GAP) or gap > LARGE_GAP:
        return "overfitting"
    earlier = min(record.validation_loss for record in history[:-1])
    if last.validation_loss < (1 - STILL_FALLING) * earlier:
        return "still improving"
    if last.train_accuracy < LOW_ACCURACY:
        return "underfitting"
    return "about right"


def _gap_opened(history: History) -> int | None:
    opened = None
    for record in reversed(history):
        if record.train_accuracy - record.validation_accuracy <= GAP:
            break
        opened = record.epoch
    return opened


def _conclusion(verdict: str, lowest: EpochRecord, last: EpochRecord) -> str:
    match verdict:
        case "overfitting" if lowest.epoch == last.epoch:
            return (
                "Overfitting: training images are known far better than new ones; "
                "dropout or augmentation would help."
            )
        case "overfitting":
            return (
                f"Overfitting: after epoch {lowest.epoch} of {last.epoch} the network memorised "
                "training images; patience, dropout or augmentation would help."
            )
        case "still improving":
            return (
                "Still improving: the validation loss was falling when training ended; "
                "more epochs would help."
            )
        case "underfitting":
            return (
                "Underfitting: even the training images are not learned; "
                "a larger network or another learning rate would help."
            )
        case "too short":
            return "Too short to judge: one epoch shows no direction."
    return "About right: a validation loss near its lowest, and training images that are learned."


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
    return f"{sentence}; it has stayed above {100 * GAP:g} since epoch {opened}."
