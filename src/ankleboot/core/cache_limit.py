"""Limit of the arrays in the user's cache: they take no more of the disk than they leave free.

An entry is NAME.npy with its index, NAME.json, whose time is that of the last use.
"""

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

import filelock

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import file_lock, remove
from ankleboot.core.paths import moving_variable
from ankleboot.core.text import escape_unprintable

LOG = logging.getLogger(__name__)
ALWAYS_ALLOWED = 2**30  # bytes that a folder of arrays may take on any disk


def lock_path(path: Path) -> Path:
    """Return the lock file of an entry, whose path has no ending."""
    return path.with_name(f".{path.name}.lock")


def mark_used(index: Path) -> None:
    """Note the time of an entry's use, where the disk can be written."""
    with suppress(OSError):
        os.utime(index)


def make_room(path: Path) -> None:
    """Remove the entries beside a new one that were not used for longest; a warning says so.

    They may take as many bytes as the disk has free, and 1 GiB in any case. Entries outside of the
    user's cache, as in a run's folder, stay, and so do those that another process makes or
    the system keeps open.

    Args:
        path: Path of the new entry without an ending.
    """
    if moving_variable(path) != "ANKLEBOOT_CACHE":
        return
    removed = 0
    with suppress(OSError):  # a size or a time that cannot be read
        sizes = {array: array.stat().st_size for array in path.parent.glob("*.npy")}
        total, free = sum(sizes.values()), shutil.disk_usage(path.parent).free
        for array in sorted(sizes, key=_last_use):
            if total - removed <= max(free + removed, ALWAYS_ALLOWED):
                break
            if array.stem != path.name and _remove_entry(array):
                removed += sizes[array]
    if removed:
        LOG.warning(
            "%s: removed what was unused for longest (%s MB), since the disk had only %s MB free; "
            "it is made again when it is needed",
            escape_unprintable(str(path.parent)),
            f"{removed / 1e6:,.0f}",
            f"{free / 1e6:,.0f}",
        )


def _last_use(array: Path) -> float:
    index = array.with_suffix(".json")
    return (index if index.exists() else array).stat().st_mtime


def _remove_entry(array: Path) -> bool:
    """Remove an entry, index first, and return whether that was possible."""
    try:
        with file_lock(lock_path(array.with_suffix("")), wait=False):
            remove(array.with_suffix(".json"))
            remove(array)
    except (EnvironmentFailure, filelock.Timeout):
        return False
    return True
