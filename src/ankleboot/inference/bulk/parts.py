"""Parts of an unfinished result, in a folder beside it.

job.json        model and options; a part of another job is not taken
plan.jsonl      chunks of the input
KEY.parquet     rows of a chunk, named by the hash of what the chunk names
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ankleboot.core.documents import read_document
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.files import (
    atomic_write,
    exclusive_folder,
    make_folder,
    remove_temp_files,
    write_failure,
    write_json,
)
from ankleboot.inference.bulk.plan import PlannedChunk

FOLDER_SUFFIX = ".parts"
JOB_FILE, PLAN_FILE = "job.json", "plan.jsonl"


class PartsFolder:
    """Folder of the parts of one result."""

    def __init__(self, output: Path) -> None:
        self.folder = output.with_name(output.name + FOLDER_SUFFIX)
        self.plan_path = self.folder / PLAN_FILE
        self.is_finished = False

    @contextmanager
    def held(self, job: dict[str, Any]) -> Iterator[None]:
        """Create the folder, or continue with it, and keep other processes out.

        A folder without parts is taken over, and removed if the work fails before there are any.

        Raises:
            UsageError: If it has parts of another job.
            EnvironmentFailure: If another process works there, or it cannot be written.
        """
        make_folder(self.folder)
        try:
            with exclusive_folder(self.folder):
                if self.done():
                    self._check(job)
                else:
                    write_json(self.folder / JOB_FILE, job)
                remove_temp_files(self.folder)
                try:
                    yield
                finally:
                    if self.is_finished or not self.done():
                        self._clear()
        finally:
            with suppress(OSError):  # not empty: it stays
                self.folder.rmdir()

    def finish(self, target: Path, write: Callable[[Path], None]) -> None:
        """Write the result in this folder and move it to its place; the parts go afterwards.

        Raises:
            EnvironmentFailure: If the disk is full.
        """
        joined = self.folder / "joined"
        atomic_write(joined, write)
        try:
            joined.replace(target)
        except OSError as error:
            raise write_failure(target, error, None) from error
        self.is_finished = True

    def _clear(self) -> None:
        """Remove the files, in a second pass those that failed to go in the first.

        On Windows the lock file stays until it is released.
        """
        for path in (*self.folder.iterdir(), *self.folder.iterdir()):
            with suppress(OSError):
                path.unlink()

    def _check(self, job: dict[str, Any]) -> None:
        path = self.folder / JOB_FILE
        missing = DataError(f"{path}: missing; remove the folder to begin anew")
        before = read_document(path, dict[str, Any], missing=missing, error=DataError)
        differences = [
            f"{key} was {before.get(key)} and is {job[key]}"
            for key in job
            if before.get(key) != job[key]
        ]
        if differences:
            raise UsageError(
                f"{self.folder} was begun otherwise: {'; '.join(differences)}. Remove it, or name "
                "another --output"
            )

    def path(self, planned: PlannedChunk) -> Path:
        """Return the path of a chunk's part."""
        return self.folder / f"{planned.key}.parquet"

    def done(self) -> set[str]:
        """Return the keys of the parts that are there."""
        return {path.stem for path in self.folder.glob("*.parquet")}

    def write(self, planned: PlannedChunk, content: bytes) -> None:
        """Keep a part; it appears whole or not at all."""
        atomic_write(self.path(planned), content)
