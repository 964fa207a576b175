"""Parts of an unfinished result, in a folder beside it.

job.json        model and options; a part of another job is not taken
plan.jsonl      chunks of the input
KEY.parquet     rows of a chunk, named by the hash of what the chunk names
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.files import (
    atomic_write,
    exclusive_folder,
    make_folder,
    remove,
    remove_temp_files,
    write_json,
)
from ankleboot.inference.bulk.plan import Plan, PlannedChunk

FOLDER_SUFFIX = ".parts"
JOB_FILE, PLAN_FILE = "job.json", "plan.jsonl"


class PartsFolder:
    """Folder of the parts of one result."""

    def __init__(self, output: Path) -> None:
        self.folder = output.with_name(output.name + FOLDER_SUFFIX)
        self.plan_path = self.folder / PLAN_FILE

    @contextmanager
    def held(self, job: dict[str, Any]) -> Iterator[None]:
        """Create the folder, or continue with it, and keep other processes out.

        Raises:
            UsageError: If it belongs to another job.
            EnvironmentFailure: If another process works there, or it cannot be written.
        """
        make_folder(self.folder)
        with exclusive_folder(self.folder):
            self._check(job)
            remove_temp_files(self.folder)
            yield

    def _check(self, job: dict[str, Any]) -> None:
        path = self.folder / JOB_FILE
        if not path.exists():
            write_json(path, job)
            return
        try:
            before = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: damaged; remove {self.folder} to begin anew") from error
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

    def remove_others(self, plan: Plan) -> int:
        """Remove parts of chunks that are no longer in the input; return their number."""
        others = self.done() - {planned.key for planned in plan}
        for key in others:
            remove(self.folder / f"{key}.parquet")
        return len(others)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
