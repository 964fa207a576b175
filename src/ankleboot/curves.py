"""Training curves as event files for TensorBoard."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from ankleboot.errors import EnvironmentFailure
from ankleboot.runs import EpochRecord


class Curves:
    """Event files of a run, written anew from the history whenever a process starts.

    Raises:
        EnvironmentFailure: If they cannot be written; so do the methods.
    """

    def __init__(self, folder: Path, history: Iterable[EpochRecord]) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        with self._disk_errors():
            self._writers = {
                part: tf.summary.create_file_writer(str(folder / part))
                for part in ("train", "validation")
            }
        for record in history:
            self.add(record)

    def add(self, record: EpochRecord) -> None:
        """Write one epoch."""
        with self._disk_errors():
            for part, writer in self._writers.items():
                with writer.as_default(step=record.epoch):
                    tf.summary.scalar("loss", getattr(record, f"{part}_loss"))
                    tf.summary.scalar("accuracy", getattr(record, f"{part}_accuracy"))
                writer.flush()

    def close(self) -> None:
        """Release the files."""
        for writer in self._writers.values():
            writer.close()

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        """TensorFlow has its own words for a full disk; they must not pass for lack of memory."""
        try:
            yield
        except tf.errors.OpError as error:
            raise EnvironmentFailure(f"cannot write {self._folder}: {error.message}") from error
