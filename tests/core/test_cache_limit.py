"""The arrays of the cache leave as much of the disk free as they take."""

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ankleboot.core.array_cache import cached_array
from ankleboot.core.cache_limit import (
    folder_lock_path,
    lock_path,
    make_room,
    make_room_for_folder,
    mark_used,
)
from ankleboot.core.files import file_lock, make_folder

NUM_BYTES = 1_000_000  # of an array, and 128 of its header


class Usage(NamedTuple):
    """What the system says of a disk, in bytes."""

    total: int
    used: int
    free: int


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the user's cache on a disk of ten arrays that holds nothing else."""
    folder = tmp_path / "cache/arrays"
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(folder.parent))

    def usage(path: Path) -> Usage:
        used = sum(array.stat().st_size for array in path.glob("*.npy"))
        return Usage(10 * NUM_BYTES, used, 10 * NUM_BYTES - used)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return folder


def make(folder: Path, *names: str) -> None:
    """Read or make entries, each used a minute after the one before."""
    for name in names:
        cached_array(folder / name, "key", lambda: np.zeros(NUM_BYTES, np.uint8))
        for other in folder.glob("*.json"):
            time = other.stat().st_mtime - 60
            os.utime(other, (time, time))


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.npy"))


def test_entries_that_were_unused_for_longest_make_room(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(cache, "a", "b", "c", "d", "a", "e")  # before "e", four take less than what is free
    assert names(cache) == ["a", "b", "c", "d", "e"] and not caplog.records
    make(cache, "f")
    assert names(cache) == ["a", "c", "d", "e", "f"]
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{cache}: removed what was unused for longest (1 MB), since it took more than the disk "
        "had free (5 MB); it is made again when it is needed"
    )
    assert sorted(path.stem for path in cache.glob("*.json")) == names(cache)


def test_a_removed_entry_is_made_again(cache: Path) -> None:
    make(cache, *"abcdef", "a")
    assert names(cache) == ["a", "c", "d", "e", "f"]


def test_as_many_entries_as_needed_make_room(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program has filled the disk meanwhile."""
    make(cache, *"abcde")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, NUM_BYTES + 1_000))
    make(cache, "f")
    assert names(cache) == ["c", "d", "e", "f"]  # three are as many as were free, and two more
    assert "(2 MB)" in caplog.text


def test_an_entry_that_another_process_makes_stays(cache: Path) -> None:
    make(cache, *"abcde")
    with file_lock(lock_path(cache / "a")):
        make(cache, "f")
    assert names(cache) == list("acdef")


def test_an_array_that_cannot_be_removed_is_read_as_before(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on Windows, where a process has mapped it."""
    make(cache, *"abcde")
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "a.npy":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    make(cache, "f")
    assert names(cache) == list("acdef")
    caplog.clear()
    cached_array(cache / "a", "key", lambda: pytest.fail("made again"))
    assert not caplog.records


def test_an_entry_that_vanishes_meanwhile_does_no_harm(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(cache, *"abcde")
    found = [*cache.glob("*.npy"), cache / "gone.npy"]
    monkeypatch.setattr(Path, "glob", lambda *_: iter(found))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
    make_room(cache / "f")
    monkeypatch.undo()
    assert names(cache) == ["d", "e"]


@pytest.mark.parametrize("base", ["elsewhere", "."])
def test_arrays_outside_of_the_cache_stay(
    base: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The predictions in a run's folder belong to the run, and reading changes no time there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANKLEBOOT_CACHE", base)
    run = Path("runs/first")
    make(run, *"abcdefgh")
    assert names(run) == list("abcdefgh")
    before = (run / "a.json").stat().st_mtime
    cached_array(run / "a", "key", lambda: pytest.fail("made again"))
    assert (run / "a.json").stat().st_mtime == before


def test_an_index_that_cannot_be_touched_is_read_all_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(cache, "a")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    cached_array(cache / "a", "key", lambda: pytest.fail("made again"))


DAY_S = 24 * 3600


def unpack(folder: Path, *, days_ago: float) -> None:
    """Make a folder as of an unpacked archive, last used some days ago."""
    make_folder(folder)
    (folder / "image.png").write_bytes(bytes(NUM_BYTES))
    used = time.time() - days_ago * DAY_S
    os.utime(folder, (used, used))


def folders(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.is_dir())


def test_archives_that_no_process_used_for_a_week_make_room(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, days_ago in (("a", 30), ("b", 20), ("c", 10), ("d", 6)):
        unpack(cache / name, days_ago=days_ago)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 4 * NUM_BYTES))
    make_room_for_folder(cache / "e")
    assert folders(cache) == ["a", "b", "c", "d"] and not caplog.records
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 1 * NUM_BYTES))
    mark_used(cache / "a")
    with file_lock(folder_lock_path(cache / "b")):
        make_room_for_folder(cache / "e")
    assert folders(cache) == ["a", "b", "d"] and "(1 MB)" in caplog.text
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
    make_room_for_folder(cache / "b")
    assert folders(cache) == ["a", "b", "d"]  # used this week, and the new one itself
