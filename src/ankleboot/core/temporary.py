"""Temporary folders: removed at their end or, after a kill, by the next process that makes one.

    with temp_folder() as folder:  # in the system's folder for temporary files
    with temp_folder(beside=target) as folder:  # on the disk of a target, for a rename

A process locks its folders as long as it lives, and the operating system releases the locks. So a
folder that is not locked has no owner, in whichever container that was.
"""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import make_folder, temp_path, write_failure
from ankleboot.core.paths import cache_folder

NAME = re.compile(r"\..+\.[0-9a-f]{12}\.tmpdir")
NUM_TRIES = 10  # another process may sweep a folder between its creation and its lock

_owned: dict[Path, tuple[int, filelock.BaseFileLock]] = {}
"""Folders of this process: its id, since a fork inherits the variable, and the lock."""


@contextmanager
def temp_folder(*, beside: Path | None = None) -> Iterator[Path]:
    """Yield a new folder; remove it with its content.

    Args:
        beside: Target of a rename from the folder; by default the system chooses the place.

    Raises:
        EnvironmentFailure: If no folder can be made there.
    """
    parent = _system_folder() if beside is None else beside.parent
    sweep(parent)
    folder, lock = _create(parent / "ankleboot" if beside is None else beside)
    _owned[folder] = os.getpid(), lock
    try:
        yield folder
    finally:
        _remove(folder, lock)
        _owned.pop(folder, None)


@contextmanager
def moved_to(target: Path) -> Iterator[Path]:
    """Yield a path in a temporary folder, and rename it to `target` unless an error occurs.

    Raises:
        EnvironmentFailure: If the folder of the target cannot be written.
    """
    make_folder(target.parent)
    try:
        with temp_folder(beside=target) as folder:
            written = folder / target.name
            yield written
            written.rename(target)
    except OSError as error:
        raise write_failure(target, error, None) from error


def sweep(parent: Path) -> None:
    """Remove the temporary folders of this user in `parent` whose processes are gone."""
    with suppress(OSError), os.scandir(parent) as entries:
        for path in [Path(entry.path) for entry in entries if NAME.fullmatch(entry.name)]:
            with suppress(OSError):
                is_own = path.lstat().st_uid == os.geteuid() if os.name == "posix" else True
                if is_own and path.is_dir() and not path.is_symlink() and (lock := _lock(path)):
                    _remove(path, lock)


@atexit.register
def remove_all() -> None:
    """Remove all temporary folders of this process, which ends."""
    for folder, (owner, lock) in list(_owned.items()):
        if owner == os.getpid():
            _remove(folder, lock)


def _system_folder() -> Path:
    """Return the system's folder for temporary files; without one, a folder in the cache."""
    try:
        return Path(tempfile.gettempdir())
    except OSError as error:
        folder = cache_folder("temp")
        try:
            make_folder(folder)
        except EnvironmentFailure:
            raise EnvironmentFailure(
                f"no folder for temporary files can be written ({error.strerror}); "
                "set TMPDIR to one that can"
            ) from error
        return folder


def _create(target: Path) -> tuple[Path, filelock.BaseFileLock]:
    """Create a folder beside a target, and lock it."""
    for _ in range(NUM_TRIES):
        folder = temp_path(target, "tmpdir")
        try:
            folder.mkdir()
            if lock := _lock(folder):
                folder.chmod(0o700)  # only now: the lock makes a folder that was just removed anew
                return folder, lock
        except OSError as error:
            remove_tree(folder)
            raise write_failure(target, error, None) from error
    raise EnvironmentFailure(f"cannot write {target}: something removes new folders at once")


def _lock(folder: Path) -> filelock.BaseFileLock | None:
    """Lock a folder; return None if it has an owner, or was removed just now."""
    lock = filelock.FileLock(folder / ".lock", blocking=False, thread_local=False)
    try:
        lock.acquire()
    except (filelock.Timeout, FileNotFoundError, FileExistsError):
        return None
    return lock


def _remove(folder: Path, lock: filelock.BaseFileLock) -> None:
    """Remove a folder; what cannot be removed is left to the next sweep."""
    remove_tree(folder)
    with suppress(OSError):
        lock.release()
    if os.name == "nt":  # it deletes no open file
        remove_tree(folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder with its content as far as possible; clean-up hides no other error."""
    with suppress(OSError):  # `ignore_errors` lets those of closing a folder pass
        shutil.rmtree(folder, ignore_errors=True)
