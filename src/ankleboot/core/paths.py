"""Folders that belong to this user: the cache and the state."""

import os
from pathlib import Path

import platformdirs


def cache_folder(name: str) -> Path:
    """Return the cache folder for a kind of files; ANKLEBOOT_CACHE moves it."""
    base = os.environ.get("ANKLEBOOT_CACHE") or platformdirs.user_cache_dir("ankleboot")
    return Path(base) / name


def state_folder() -> Path:
    """Return the folder for what must outlive the cache, such as counts."""
    return Path(platformdirs.user_state_dir("ankleboot"))
