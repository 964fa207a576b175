"""Creation and locking of run folders."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import filelock

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.files import file_lock, make_folder, remove_temp_files, temp_files
from ankleboot.models.run import Run, load_run
from ankleboot.recipes.recipe import Recipe


@contextmanager
def create_run(folder: Path) -> Iterator[Run]:
    """Create a run folder, which is never overwritten, and hold its lock."""
    refuse_used(folder)  # before the lock file is left in a folder that is not a run
    make_folder(folder)
    with locked(folder):
        _refuse_content(folder)  # another process may have been faster
        yield Run(folder)


def refuse_used(folder: Path) -> None:
    """Refuse a path that cannot become a run folder: a file, or a folder that is not empty."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"--run-dir {folder}: expected a folder, this is a file; name another")
    _refuse_content(folder)


def _refuse_content(folder: Path) -> None:
    # recipe.json is written last: an attempt that left these files alone never started
    leftovers = {".lock", "manifest.json", *(path.name for path in temp_files(folder))}
    names = {path.name for path in folder.iterdir()}
    if "manifest.json" in names:  # else the label file may be the user's
        leftovers.add(Run(folder).label_path.name)
    if names - leftovers:
        raise UsageError(
            f"--run-dir {folder}: not empty; name another folder, or continue it with --resume"
        )


@contextmanager
def open_run(folder: Path) -> Iterator[Run]:
    """Open a run folder to continue it, and hold its lock."""
    run = load_run(folder)
    with locked(folder):
        yield run


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder with runs, and remove what a killed process left half written."""
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(folder / ".lock", wait=False))
        except filelock.Timeout as error:
            raise ModelError(f"{folder}: another process is training in this folder") from error
        remove_temp_files(folder)
        yield


def next_run_dir(base: Path, recipe: Recipe, *, folds: int = 0, seeds: int = 0) -> Path:
    """Return an unused folder below `base`, named by recipe, seed, folds and a counter.

    A cross-validation gives its number of folds, runs of several seeds that of the seeds; a run
    that holds a fold out is named by that.
    """
    stem = f"{recipe.name}-seed{recipe.seed}"
    if seeds:
        stem = f"{recipe.name}-seeds{recipe.seed}to{recipe.seed + seeds - 1}"
    elif folds:
        stem += f"-folds{folds}"
    elif recipe.folds:
        stem += f"-fold{recipe.fold}of{recipe.folds}"
    paths = (base / f"{stem}-{counter:03d}" for counter in itertools.count(1))
    return next(path for path in paths if not path.exists())
