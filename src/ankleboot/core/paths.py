"""Folders of the user, and paths as users write them."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import platformdirs

from ankleboot.core.errors import EnvironmentFailure

AnyPath = str | os.PathLike[str]
"""A path in any form that Python's own functions accept."""


def expand(path: AnyPath) -> Path:
    """Return a path with `~` replaced by the home folder, as a shell would have done.

    A file or folder whose own name begins with "~" comes first.
    """
    text = os.fspath(path)
    if text.startswith("~") and not os.path.lexists(text):
        text = os.path.expanduser(text)
    return Path(text)


def cache_folder(name: str) -> Path:
    """Return the folder of one cache; the variable ANKLEBOOT_CACHE moves all caches."""
    return _base("ANKLEBOOT_CACHE", platformdirs.user_cache_dir) / name


def state_folder() -> Path:
    """Return the folder of data that must outlive the cache; ANKLEBOOT_STATE moves it."""
    return _base("ANKLEBOOT_STATE", platformdirs.user_state_dir)


def _base(variable: str, default: Callable[[str], str]) -> Path:
    """Return the folder that a variable names, or the system's default.

    Raises:
        EnvironmentFailure: If it is not set and the user has no home folder.
    """
    if folder := os.environ.get(variable):
        return expand(folder)
    try:
        path = Path(default("ankleboot"))
    except RuntimeError:  # of platformdirs; its older versions return the path with "~"
        path = Path("~")
    if not path.is_absolute():
        raise EnvironmentFailure(
            "this user has no home folder: neither HOME is set nor does the system know the user; "
            f"set {variable} (or HOME) to a folder that can be written"
        )
    return path


def home_folder() -> Path | None:
    """Return the home folder; None for a user without one, as in some containers."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def moving_variable(path: Path) -> str:
    """Return the variable that moves the cache or state folder with `path` in it, or ""."""
    folders: dict[str, Callable[[], Path]] = {
        "ANKLEBOOT_CACHE": partial(cache_folder, ""),
        "ANKLEBOOT_STATE": state_folder,
    }
    for variable, folder in folders.items():
        try:
            base = folder()
        except EnvironmentFailure:
            continue
        if path == base or base in path.parents:
            return variable
    return ""
