"""Writer of TensorBoard event files that does not need TensorFlow."""

import io
import time
from collections.abc import Iterable
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import make_folder, write_failure
from ankleboot.core.temporary import remove_tree
from ankleboot.models.history import EpochRecord


class TensorBoardWriter:
    """Event files of a run, rewritten from the history when a process starts.

    No file stays open between two epochs.
    """

    def __init__(self, folder: Path, history: Iterable[EpochRecord]) -> None:
        remove_tree(folder)
        # TensorBoard recognizes event files by "tfevents" and reads them in order of their names
        name = f"events.out.tfevents.{time.time():.0f}"
        self._paths = {split: folder / split / name for split in ("train", "validation")}
        self._sizes = dict.fromkeys(self._paths.values(), 0)
        for path in self._paths.values():
            make_folder(path.parent)
            self._append(path, Event(wall_time=time.time(), file_version="brain.Event:2"))
        for record in history:
            self.add(record)

    def add(self, record: EpochRecord) -> None:
        """Write the metrics of one epoch."""
        for split, path in self._paths.items():
            for tag in ("loss", "accuracy"):
                summary = scalar_pb(tag, getattr(record, f"{split}_{tag}"))
                self._append(path, Event(wall_time=time.time(), step=record.epoch, summary=summary))

    def _append(self, path: Path, event: Event) -> None:
        """Append an event; TensorBoard shows a curve only up to the first record that is torn."""
        record = io.BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        try:
            with path.open("ab") as file:
                file.write(record.getvalue())
            size = path.stat().st_size
        except OSError as error:
            raise write_failure(path, error, None) from error
        self._sizes[path] += len(record.getvalue())
        if size != self._sizes[path]:
            raise EnvironmentFailure(
                f"cannot write {path}: it has {size} bytes instead of {self._sizes[path]}; another "
                "process changed it, or the disk fails (--resume writes it anew)"
            )
