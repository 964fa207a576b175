"""Writer of TensorBoard event files that does not need TensorFlow."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from ankleboot.core.files import make_folder, write_failure
from ankleboot.models.run import EpochRecord

SPLITS = ("train", "validation")
METRICS = ("loss", "accuracy")


class TensorBoardWriter:
    """Event files of a run, rewritten from the history when a process starts.

    No file stays open between two epochs.

    Raises:
        EnvironmentFailure: If the files cannot be written, here or in `add`.
    """

    def __init__(self, folder: Path, history: Iterable[EpochRecord]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        # TensorBoard recognizes event files by "tfevents" and reads them in order of their names
        name = f"events.out.tfevents.{time.time():.0f}"
        self._paths = {split: folder / split / name for split in SPLITS}
        for path in self._paths.values():
            make_folder(path.parent)
            _append(path, [Event(wall_time=time.time(), file_version="brain.Event:2")])
        for record in history:
            self.add(record)

    def add(self, record: EpochRecord) -> None:
        """Write the metrics of one epoch."""
        for split, path in self._paths.items():
            summaries = [scalar_pb(tag, getattr(record, f"{split}_{tag}")) for tag in METRICS]
            _append(
                path,
                [Event(wall_time=time.time(), step=record.epoch, summary=s) for s in summaries],
            )


def _append(path: Path, events: list[Event]) -> None:
    try:
        with path.open("ab") as file:
            writer = RecordWriter(file)
            for event in events:
                writer.write(event.SerializeToString())
    except OSError as error:
        raise write_failure(path, error, None) from error
