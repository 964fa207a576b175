"""Removal of run folders: what may go, and what others still need."""

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock

from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.files import file_lock, temp_files
from ankleboot.models.run_list.columns import Row

CROSS_VALIDATION = "cross_validation.json"


@dataclass(frozen=True)
class PrunePlan:
    """Folders to remove, and those that stay although they were chosen, with the reason.

    Attributes:
        folders: Run folders, or folders of whole cross-validations.
        kept: Reason by run folder.
        num_bytes: Size of the folders.
    """

    folders: tuple[Path, ...]
    kept: Mapping[str, str]
    num_bytes: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"folders": [str(folder) for folder in self.folders]}


def plan_prune(rows: Sequence[Row], chosen: Iterable[Row]) -> PrunePlan:
    """Plan the removal of chosen runs; runs that another one refers to stay.

    A run stays if a run that stays started from it or was taught by it, if a process trains in it,
    or if it is a fold of a cross-validation of which other folds stay.

    Args:
        rows: All runs, as `list_runs` gives them.
        chosen: Runs to remove.

    Raises:
        UsageError: If a chosen run is not among all runs.
    """
    by_folder = {str(row["run"]): row for row in rows}
    going = {str(row["run"]) for row in chosen}
    if unknown := going - by_folder.keys():
        raise UsageError(f"{min(unknown)}: not among the runs")
    kept = {folder: "a process works in it" for folder in going if _is_locked(Path(folder))}
    going -= kept.keys()
    while reasons := dict(_reasons_to_keep(going, by_folder)):
        kept |= reasons  # and what these refer to stays as well
        going -= reasons.keys()
    folders = sorted({_unit(Path(folder)) for folder in going})
    num_bytes = sum(folder_bytes(folder) for folder in folders)
    return PrunePlan(tuple(folders), dict(sorted(kept.items())), num_bytes)


def _reasons_to_keep(going: set[str], rows: Mapping[str, Row]) -> Iterator[tuple[str, str]]:
    staying = [row for folder, row in rows.items() if folder not in going]
    references = _by_target(staying)
    other_folds = {_unit(Path(str(row["run"]))): row["run"] for row in staying}
    for folder in going:
        if sentences := references.get(os.path.realpath(folder)):
            yield folder, sentences[0]
        elif (unit := _unit(Path(folder))) != Path(folder) and unit in other_folds:
            yield folder, f"{other_folds[unit]}, another fold of its cross-validation, stays"


def list_references(run: Path, rows: Iterable[Row]) -> list[str]:
    """Describe which runs started from a run or were taught by it."""
    return _by_target(rows).get(os.path.realpath(run), [])


def _by_target(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return sentences about the runs that refer to a run, by its folder without links."""
    found: dict[str, list[str]] = {}
    verbs = {"parent": "started from it", "teacher_run": "was taught by it"}
    for row in rows:
        for column, verb in verbs.items():
            if row[column]:
                target = os.path.realpath(str(row[column]))
                found.setdefault(target, []).append(f"{row['run']} {verb}")
    return found


def _unit(run: Path) -> Path:
    """Return what is removed with a run: its folder, or that of its cross-validation."""
    return run.parent if (run.parent / CROSS_VALIDATION).is_file() else run


def _is_locked(folder: Path) -> bool:
    """Return whether a process trains in a folder."""
    if not (folder / ".lock").exists():
        return False
    try:
        with file_lock(folder / ".lock", wait=False):
            return False
    except filelock.Timeout:
        return True
    except EnvironmentFailure:  # a folder that cannot be written; its removal will say so
        return False


def folder_bytes(folder: Path) -> int:
    """Return the size of all files in a folder and below."""
    return sum(
        (Path(parent) / name).lstat().st_size
        for parent, _, names in os.walk(folder)
        for name in names
    )


def remove_runs(plan: PrunePlan) -> None:
    """Remove the folders of a plan.

    Each is renamed first, so that a kill leaves no half a run; the next call in the same folder
    removes what was left.

    Raises:
        EnvironmentFailure: If a folder cannot be removed.
    """
    for folder in plan.folders:
        hidden = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}.tmp")
        try:
            folder.rename(hidden)
            for left in temp_files(folder.parent):
                if left.is_dir():
                    shutil.rmtree(left)
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot remove {folder}: {error.strerror or error}"
            ) from error
