"""Limit of what a folder of the user's cache holds: no more bytes than the disk has free.

It is applied before something new is written. An array is NAME.npy with its index, NAME.json, whose
time is that of the last use. An unpacked archive is a folder, whose own time is that.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import filelock

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import file_lock, remove, total_bytes
from ankleboot.core.paths import cache_folder
from ankleboot.core.text import escape_unprintable

LOG = logging.getLogger(__name__)
IN_USE_S = 7 * 24 * 3600  # a page that labels an archive's images may read them for days

Entry = tuple[float, Path, int]
"""Time of the last use, path and size in bytes."""


def lock_path(path: Path) -> Path:
    """Return the lock file of an array, whose path has no ending."""
    return path.with_name(f".{path.name}.lock")


def folder_lock_path(folder: Path) -> Path:
    """Return the lock file of an unpacked archive."""
    return folder.with_name(f"{folder.name}.lock")


def mark_used(path: Path) -> None:
    """Note that an array or a folder of the user's cache is used, where the disk can be written."""
    if _is_in_cache(path):
        with suppress(OSError):
            os.utime(path if path.is_dir() else path.with_name(f"{path.name}.json"))


def make_room(path: Path) -> None:
    """Remove the arrays beside a new one that were unused for longest; a warning says so.

    Arrays outside of the user's cache stay, as in a run's folder, and so do those that another
    process makes. The bytes of one that another process has mapped become free when it ends; on
    Windows, such an array stays.

    Args:
        path: Path of the new array without an ending.
    """
    if _is_in_cache(path):
        arrays = [each for each in _list_arrays(path.parent) if each[1].stem != path.name]
        _reduce(path.parent, arrays, _remove_array)


def make_room_for_folder(folder: Path) -> None:
    """Remove the unpacked archives beside a new one that no process has used for a week.

    Args:
        folder: Folder of the new archive.
    """
    others = []
    for other in folder.parent.iterdir():
        with suppress(OSError):  # another process has just removed it
            if other.is_dir() and other != folder and not other.name.startswith("."):
                others.append((other.stat().st_mtime, other, total_bytes(other)))
    _reduce(folder.parent, sorted(others), _remove_folder)


def _reduce(folder: Path, entries: Sequence[Entry], remove_entry: Callable[[Entry], bool]) -> None:
    """Remove the oldest entries, until all of them take no more bytes than are free."""
    num_bytes, removed = sum(size for _, _, size in entries), 0
    free = shutil.disk_usage(folder).free
    for entry in entries:
        if num_bytes - removed <= free + removed:
            break
        removed += entry[2] if remove_entry(entry) else 0
    if removed:
        LOG.warning(
            "%s: removed what was unused for longest (%s MB), since it took more than the disk "
            "had free (%s MB); it is made again when it is needed",
            escape_unprintable(str(folder)),
            f"{removed / 1e6:,.0f}",
            f"{free / 1e6:,.0f}",
        )


def _is_in_cache(path: Path) -> bool:
    try:
        return path.parent == cache_folder(path.parent.name)
    except EnvironmentFailure:  # the user has no home folder
        return False


def _list_arrays(folder: Path) -> list[Entry]:
    """List all arrays of a folder, the oldest first."""
    entries = []
    for array in folder.glob("*.npy"):
        with suppress(OSError):  # another process has just removed it
            index = array.with_suffix(".json")
            used = (index if index.exists() else array).stat().st_mtime
            entries.append((used, array, array.stat().st_size))
    return sorted(entries)


def _remove_array(entry: Entry) -> bool:
    """Remove an array and return whether that was possible; the index of one that stays is kept."""
    array = entry[1]
    try:
        with file_lock(lock_path(array.with_suffix("")), wait=False):
            remove(array)
            remove(array.with_suffix(".json"))
    except (EnvironmentFailure, filelock.Timeout):
        return False
    return True


def _remove_folder(entry: Entry) -> bool:
    """Remove an unpacked archive that is not in use, and return whether it is gone."""
    last_use, folder, _ = entry
    if time.time() - last_use < IN_USE_S:
        return False
    with suppress(EnvironmentFailure, filelock.Timeout, OSError):
        with file_lock(folder_lock_path(folder), wait=False):
            shutil.rmtree(folder)
            return True
    return False
