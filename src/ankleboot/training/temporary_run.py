"""Folder of a run that is judged and thrown away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ankleboot.core.errors import Interrupted
from ankleboot.core.temporary import temp_folder


@contextmanager
def temporary_run() -> Iterator[Path]:
    """Yield the path of a new run, and remove it in the end.

    Raises:
        Interrupted: By a signal, without the advice to resume what is removed.
    """
    with temp_folder() as folder:
        try:
            yield folder / "run"
        except Interrupted as stopped:
            raise Interrupted("stopped", stopped.signum) from stopped
