"""Limit of the arrays in a folder of the user's cache: no more bytes than the disk has free.

It is applied before a new array is written. An entry is NAME.npy with its index, NAME.json, whose
time is that of the last use.
"""

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

import filelock

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import file_lock, remove
from ankleboot.core.paths import cache_folder
from ankleboot.core.text import escape_unprintable

LOG = logging.getLogger(__name__)


def lock_path(path: Path) -> Path:
    """Return the lock file of an entry, whose path has no ending."""
    return path.with_name(f".{path.name}.lock")


def mark_used(path: Path) -> None:
    """Note that an entry of the user's cache is used, where the disk can be written."""
    if _is_in_cache(path):
        with suppress(OSError):
            os.utime(path.with_name(f"{path.name}.json"))


def make_room(path: Path) -> None:
    """Remove the entries beside a new one that were unused for longest; a warning says so.

    Entries outside of the user's cache stay, as in a run's folder, and so do those that another
    process makes. The bytes of one that another process has mapped become free when it ends; on
    Windows, such an entry stays.

    Args:
        path: Path of the new entry without an ending.
    """
    if not _is_in_cache(path):
        return
    entries = _list_entries(path.parent)
    num_bytes, removed = sum(size for _, _, size in entries), 0
    free = shutil.disk_usage(path.parent).free
    for _, array, size in entries:
        if num_bytes - removed <= free + removed:
            break
        if array.stem != path.name and _remove_entry(array):
            removed += size
    if removed:
        LOG.warning(
            "%s: removed the arrays that were unused for longest (%s MB), since they took more "
            "than the disk had free (%s MB); they are made again when they are needed",
            escape_unprintable(str(path.parent)),
            f"{removed / 1e6:,.0f}",
            f"{free / 1e6:,.0f}",
        )


def _is_in_cache(path: Path) -> bool:
    try:
        return path.parent == cache_folder(path.parent.name)
    except EnvironmentFailure:  # the user has no home folder
        return False


def _list_entries(folder: Path) -> list[tuple[float, Path, int]]:
    """List time of the last use, array and size in bytes of all entries, the oldest first."""
    entries = []
    for array in folder.glob("*.npy"):
        with suppress(OSError):  # another process has just removed it
            index = array.with_suffix(".json")
            used = (index if index.exists() else array).stat().st_mtime
            entries.append((used, array, array.stat().st_size))
    return sorted(entries)


def _remove_entry(array: Path) -> bool:
    """Remove an entry and return whether that was possible; the index of one that stays is kept."""
    try:
        with file_lock(lock_path(array.with_suffix("")), wait=False):
            remove(array)
            remove(array.with_suffix(".json"))
    except (EnvironmentFailure, filelock.Timeout):
        return False
    return True
