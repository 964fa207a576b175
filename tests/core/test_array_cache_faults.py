"""Arrays of derived data where the disk refuses, or another process is faster."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core import array_cache
from ankleboot.core.array_cache import RowWriter, StoredArray, cached_array, cached_rows
from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import file_lock
from ankleboot.core.sealed import write_sealed

ROWS = np.random.default_rng(0).normal(size=(20, 4, 5)).astype(np.float32)


def stream(rows: RowWriter) -> Mapping[str, Any]:
    for start in range(0, len(ROWS), 8):
        rows.append(ROWS[start : start + 8])
    return {"digests": ["a", "b"]}


def stored(path: Path) -> StoredArray:
    return cached_rows(path, "key", (4, 5), "<f4", stream)


def full(*_: object) -> None:
    raise EnvironmentFailure("disk full while writing entry.npy")


def test_an_array_without_a_place_on_the_disk_is_made_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    array = cached_array(tmp_path / "file/entry", "key", lambda: ROWS)
    np.testing.assert_array_equal(array, ROWS)
    (record,) = caplog.records
    failure = f"cannot create folder {tmp_path}/file: File exists"
    assert record.getMessage() == f"{failure}; the result is not kept"


def test_rows_without_a_place_on_the_disk_are_made_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder of images could not be read on a read-only disk."""
    (tmp_path / "file").touch()
    made = stored(tmp_path / "file/entry")
    np.testing.assert_array_equal(made.array, ROWS)
    assert made.notes == {"digests": ["a", "b"]}
    (record,) = caplog.records
    assert "file: File exists" in record.getMessage() and "is not kept" in record.getMessage()


def test_an_array_that_the_disk_has_no_space_for_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(array_cache, "atomic_write", full)
    array = cached_array(tmp_path / "entry", "key", lambda: ROWS)
    np.testing.assert_array_equal(array, ROWS)
    (record,) = caplog.records
    assert record.getMessage() == "disk full while writing entry.npy; the result is not kept"


def test_an_array_whose_place_a_folder_takes_is_made_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "entry"
    stored(path)
    path.with_name("entry.npy").unlink()
    path.with_name("entry.npy").mkdir()
    np.testing.assert_array_equal(cached_array(path, "key", lambda: ROWS), ROWS)
    damaged, unkept = (record.getMessage() for record in caplog.records)
    assert damaged.startswith(f"{path}.npy cannot be read (") and "Is a directory" in damaged
    assert unkept.startswith(f"cannot write {path}.npy: ") and unkept.endswith("is not kept")


def test_rows_that_the_disk_has_no_space_for_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be more than the memory holds."""
    monkeypatch.setattr(array_cache, "atomic_write", full)
    with pytest.raises(EnvironmentFailure, match="^disk full while writing entry.npy$"):
        stored(tmp_path / "entry")


def test_a_disk_that_loses_what_it_was_given_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "entry"
    monkeypatch.setattr(array_cache, "write_sealed", lambda *_: None)
    with pytest.raises(EnvironmentFailure, match=f"^{path}.npy was just written and is missing$"):
        stored(path)

    def write_and_damage(index: Path, document: Any) -> None:
        write_sealed(index, document)
        np.save(f"{path}.npy", ROWS + 1)

    monkeypatch.setattr(array_cache, "write_sealed", write_and_damage)
    expected = f"^{path}.npy was just written and is not the array that was written$"
    with pytest.raises(EnvironmentFailure, match=expected):
        stored(path)


@pytest.mark.parametrize("error", [EnvironmentFailure("read-only"), PermissionError("not yours")])
def test_left_over_files_that_cannot_be_removed_do_no_harm(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(array_cache, "remove_temp_files", refused)
    np.testing.assert_array_equal(stored(tmp_path / "entry").array, ROWS)


def test_an_entry_that_another_process_made_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, other = tmp_path / "entry", tmp_path / "other"

    @contextmanager
    def lock_after_the_other(lock: Path) -> Iterator[None]:
        for suffix in (".npy", ".json"):
            (tmp_path / f"other{suffix}").rename(tmp_path / f"entry{suffix}")
        with file_lock(lock):
            yield

    def unneeded(*_: object) -> Any:
        raise AssertionError

    reads: tuple[Callable[[], np.ndarray], ...] = (
        lambda: cached_rows(path, "key", (4, 5), "<f4", unneeded).array,
        lambda: cached_array(path, "key", unneeded),
    )
    for read in reads:
        with monkeypatch.context() as patch:
            stored(other)
            patch.setattr(array_cache, "file_lock", lock_after_the_other)
            np.testing.assert_array_equal(read(), ROWS)
        path.with_name("entry.json").unlink()
    assert not caplog.records
