"""Arrays of derived data: read as they were written, or made again."""

import json
import multiprocessing
import os
import pickle
import re
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core import array_cache
from ankleboot.core.array_cache import RowWriter, cached_array, cached_rows
from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.sealed import write_sealed
from ankleboot.core.types import npy_bytes
from helpers.pickles import Harmful

ROWS = np.random.default_rng(0).normal(size=(20, 4, 5)).astype(np.float32)


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    """A complete entry."""
    assert cached(tmp_path / "entry") is True
    return tmp_path / "entry"


def cached(path: Path, key: str = "key") -> bool:
    """Read or make the entry, check it, and return whether it was made."""
    made = []

    def make() -> np.ndarray:
        made.append(True)
        return ROWS

    np.testing.assert_array_equal(cached_array(path, key, make), ROWS)
    return bool(made)


def stream(rows: RowWriter) -> Mapping[str, Any]:
    for start in range(0, len(ROWS), 8):
        rows.append(ROWS[start : start + 8])
    return {"digests": ["a", "b"]}


def test_an_entry_is_made_once(entry: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not cached(entry) and not caplog.records
    assert np.load(f"{entry}.npy").shape == ROWS.shape  # a file as others know it
    index = json.loads(Path(f"{entry}.json").read_text())["document"]["array"]
    assert (index["shape"], index["dtype"]) == ([20, 4, 5], "<f4") and len(index["sha256"]) == 64


def test_rows_are_streamed_to_the_disk_and_mapped(tmp_path: Path) -> None:
    def unneeded(rows: RowWriter) -> Mapping[str, Any]:
        raise AssertionError(rows)

    for make in (stream, unneeded):
        stored = cached_rows(tmp_path / "a", "k", (4, 5), "<f4", make)
        assert isinstance(stored.array, np.memmap) and stored.notes == {"digests": ["a", "b"]}
        np.testing.assert_array_equal(stored.array, ROWS)


def test_an_array_without_rows_is_an_entry_as_well(tmp_path: Path) -> None:
    for _ in range(2):
        stored = cached_rows(tmp_path / "a", "k", (4, 5), "|u1", lambda _: {})
        assert stored.array.shape == (0, 4, 5)


def zeroed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1_000:] = bytes(1_000)
    path.write_bytes(content)


def one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "zeroed": zeroed,
    "one bit": one_bit,
    "NaN": lambda path: path.write_bytes(npy_bytes(np.full_like(ROWS, np.nan))),
    "other shape": lambda path: path.write_bytes(npy_bytes(ROWS.reshape(20, 5, 4))),
    "other type": lambda path: path.write_bytes(npy_bytes(ROWS.view(np.int32))),
    "turned": lambda path: path.write_bytes(npy_bytes(np.asfortranarray(ROWS))),
    "pickle": lambda path: path.write_bytes(pickle.dumps(Harmful(path.with_name("harm")))),
    "objects": lambda path: np.save(path, np.array([{}]), allow_pickle=True),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-50]),
    "empty": lambda path: path.write_bytes(b""),
    "missing": Path.unlink,
    "huge header": lambda path: path.write_bytes(
        path.read_bytes().replace(b"(20, 4, 5)", b"(20000000000000000, 4, 5)")
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_array_that_was_changed_is_made_again(
    damage: str, entry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    DAMAGE[damage](Path(f"{entry}.npy"))
    assert cached(entry)
    (record,) = caplog.records
    reason = r"(is not the array that was written|cannot be read \(.+\))"
    message = rf"{entry}\.npy {reason}; it is made again"
    assert re.fullmatch(message, record.getMessage())
    assert (damage == "missing") == ("No such file or directory" in record.getMessage())
    assert not cached(entry) and not entry.with_name("harm").exists()


@pytest.mark.parametrize("damage", ["one bit", "zeroed", "cut", "empty"])
def test_an_index_that_was_changed_is_not_believed(
    damage: str, entry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    DAMAGE[damage](Path(f"{entry}.json"))
    assert cached(entry) and len(caplog.records) == 1
    assert not cached(entry)


def test_an_entry_of_other_data_is_replaced(entry: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert cached(entry, "another key") and cached(entry, "key") and not cached(entry, "key")
    assert not caplog.records  # no fault: a path may hold the last of several results


def test_a_kill_between_two_results_of_a_path_is_no_damage(
    entry: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The index of the first must not lie beside the array of the second."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(array_cache, "write_sealed", killed)
        cached_array(entry, "another key", lambda: ROWS + 1)
    assert cached(entry) and not caplog.records


def test_an_index_of_another_format_is_not_believed(entry: Path) -> None:
    document = json.loads(Path(f"{entry}.json").read_text())["document"]
    for changed in (document | {"format": 2}, {"key": "key"}, [1], 5):
        write_sealed(Path(f"{entry}.json"), changed)
        assert cached(entry)


def test_a_complete_entry_needs_no_lock(entry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise EnvironmentFailure("read-only file system")

    for name in ("file_lock", "make_folder", "atomic_write", "remove"):
        monkeypatch.setattr(array_cache, name, refused)
    assert not cached(entry)
    assert cached_rows(entry, "key", (4, 5), "<f4", stream).array.shape == ROWS.shape


@pytest.mark.parametrize("error", [EnvironmentFailure("EIO"), MemoryError(), KeyboardInterrupt()])
def test_nothing_is_kept_of_work_that_failed(error: BaseException, tmp_path: Path) -> None:
    def make(rows: RowWriter) -> Mapping[str, Any]:
        rows.append(ROWS)
        raise error

    with pytest.raises(type(error)):
        cached_rows(tmp_path / "a", "k", (4, 5), "<f4", make)
    assert [path.name for path in tmp_path.iterdir()] == [".a.lock"]
    assert len(cached_rows(tmp_path / "a", "k", (4, 5), "<f4", stream).array) == 20


def test_temporary_files_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    mine, others = (tmp_path / f".{name}.npy.0123456789ab.tmp" for name in ("entry", "other"))
    mine.touch()
    others.touch()
    assert cached(tmp_path / "entry")
    assert not mine.exists() and others.exists()  # another process may be writing that one


def test_rows_of_another_shape_or_type_than_announced_are_a_bug(tmp_path: Path) -> None:
    wrong = {r"float64 \(4, 5\)": ROWS.astype(float), r"float32 \(3, 5\)": ROWS[:, 1:]}
    for got, rows in wrong.items():
        with pytest.raises(RuntimeError, match=rf"^{got}, expected float32 \(4, 5\)$"):
            cached_rows(tmp_path / "a", "k", (4, 5), "<f4", partial(_append, rows))


def _append(array: np.ndarray, rows: RowWriter) -> Mapping[str, Any]:
    rows.append(array)
    return {}


def _fill(path: Path, log: Path, slow: float) -> None:
    def make(rows: RowWriter) -> Mapping[str, Any]:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        for row in ROWS:
            rows.append(row[np.newaxis])
            time.sleep(slow)
        return {}

    stored = cached_rows(path, "key", (4, 5), "<f4", make)
    if not np.array_equal(stored.array, ROWS):
        raise SystemExit(3)


def test_eight_processes_make_one_entry_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    arguments = (tmp_path / "entry", tmp_path / "log", 0.005)
    processes = [context.Process(target=_fill, args=arguments) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == 8 * [0]
    assert len((tmp_path / "log").read_text().splitlines()) == 1


def test_a_kill_at_any_moment_leaves_nothing_that_is_believed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for moment in (0.02, 0.06, 0.1, 0.15, 0.2):
        log = tmp_path / f"log{moment}"
        log.touch()
        process = context.Process(target=_fill, args=(tmp_path / "entry", log, 0.01))
        process.start()
        while not log.read_text():
            time.sleep(0.001)
        time.sleep(moment)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
    _fill(tmp_path / "entry", tmp_path / "last", 0)
    names = sorted(path.name for path in tmp_path.iterdir() if "log" not in path.name)
    assert names == [".entry.lock", "entry.json", "entry.npy", "last"]
