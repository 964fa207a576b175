"""Folders of the user: cache and state."""

import os
from pathlib import Path

import platformdirs


def cache_folder(name: str) -> Path:
    """Return the folder of one cache; the variable ANKLEBOOT_CACHE moves all caches."""
    base = os.environ.get("ANKLEBOOT_CACHE") or platformdirs.user_cache_dir("ankleboot")
    return Path(base) / name


def state_folder() -> Path:
    """Return the folder of data that must outlive the cache, such as counts."""
    return Path(platformdirs.user_state_dir("ankleboot"))
