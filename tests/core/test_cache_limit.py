"""The arrays of the cache leave as much of the disk free as they take."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ankleboot.core import cache_limit
from ankleboot.core.array_cache import cached_array
from ankleboot.core.cache_limit import lock_path
from ankleboot.core.files import file_lock

NUM_BYTES = 128 + 1_000  # an array of 1,000 bytes with its header


class Usage(NamedTuple):
    """What the system says of a disk, in bytes."""

    total: int
    used: int
    free: int


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the user's cache on a disk of 10,000 bytes that holds nothing else."""
    folder = tmp_path / "cache/arrays"
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(folder.parent))
    monkeypatch.setattr(cache_limit, "ALWAYS_ALLOWED", 0)

    def usage(path: Path) -> Usage:
        used = sum(array.stat().st_size for array in path.glob("*.npy"))
        return Usage(10_000, used, 10_000 - used)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return folder


def make(folder: Path, *names: str) -> None:
    """Read or make entries, each used a minute after the one before."""
    for name in names:
        cached_array(folder / name, "key", lambda: np.zeros(1_000, np.uint8))
        for other in folder.glob("*.json"):
            time = other.stat().st_mtime - 60
            os.utime(other, (time, time))


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.npy"))


def test_entries_that_were_unused_for_longest_make_room(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(cache, "a", "b", "c", "d", "a")
    assert names(cache) == ["a", "b", "c", "d"] and not caplog.records
    make(cache, "e")  # 4,512 bytes are less than what is free
    assert names(cache) == ["a", "b", "c", "d", "e"] and not caplog.records
    make(cache, "f")
    assert names(cache) == ["a", "c", "d", "e", "f"]
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{cache}: removed what was unused for longest (0 MB)")
    assert sorted(path.stem for path in cache.glob("*.json")) == names(cache)


def test_a_removed_entry_is_made_again(cache: Path) -> None:
    make(cache, *"abcdef", "a")
    assert names(cache) == ["a", "c", "d", "e", "f"]


def test_a_folder_may_always_take_some_bytes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_limit, "ALWAYS_ALLOWED", 7 * NUM_BYTES)
    make(cache, *"abcdefgh")
    assert names(cache) == list("abcdefgh")  # the eighth was made beside seven
    make(cache, "i")
    assert names(cache) == list("bcdefghi")


def test_an_entry_that_another_process_makes_stays(cache: Path) -> None:
    make(cache, *"abcde")
    with file_lock(lock_path(cache / "a")):
        make(cache, "f")
    assert names(cache) == list("acdef")


def test_arrays_outside_of_the_cache_stay(cache: Path) -> None:
    """The predictions in a run's folder belong to the run."""
    run = cache.parents[1] / "run"
    make(run, *"abcdefgh")
    assert names(run) == list("abcdefgh")


def test_an_index_that_cannot_be_touched_is_read_all_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(cache, "a")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    cached_array(cache / "a", "key", lambda: pytest.fail("made again"))
