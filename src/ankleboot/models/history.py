"""Metrics of a run by epoch, stored as history.csv."""

import csv
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ankleboot.core.csv_text import csv_text
from ankleboot.core.errors import ModelError
from ankleboot.core.files import read_bytes


@dataclass(frozen=True)
class EpochRecord:
    """Metrics of an epoch; losses are mean cross-entropies, accuracies are fractions.

    Training metrics are means over the epoch's steps, as in Keras; validation metrics are measured
    at its end. With hard example mining, training metrics too are measured at the end, on a sample
    of all training images.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float


COLUMNS = [field.name for field in fields(EpochRecord)]
"""Columns of history.csv; the first is the epoch."""

History = tuple[EpochRecord, ...]


def history_csv(history: History) -> str:
    """Return the text of history.csv."""
    return csv_text((COLUMNS, *(astuple(record) for record in history)))


def read_history(path: Path) -> History:
    """Read history.csv.

    Raises:
        EnvironmentFailure: If the file cannot be read.
        ModelError: If it is missing or damaged.
    """
    text = read_bytes(path, missing=ModelError(f"{path}: missing")).decode(errors="replace")
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
        history = tuple(
            EpochRecord(int(row["epoch"]), *(float(row[name]) for name in COLUMNS[1:]))
            for row in rows
        )
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ModelError(f"{path}: damaged ({error!r})") from error
    if [record.epoch for record in history] != list(range(1, len(history) + 1)):
        raise ModelError(f"{path}: damaged (its epochs do not count from 1)")
    return history
