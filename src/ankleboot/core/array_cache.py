"""Arrays of derived data on the disk: made once, and believed only as they were written.

    features = cached_array(cache_folder("image-features") / key, key, compute)

An entry has two files: NAME.npy, and NAME.json with the hash, shape and type of the array, its key,
and notes of its maker. The index is sealed, and written last. A complete entry is read without a
lock, so that a read-only folder serves as well; only one process makes an entry, and others wait.
Whatever is not as it was written is made again, and a warning says so. The price is a hash of the
whole array at each start: a second for 0.6 to 2 GB. Entries in the user's cache make room for new
ones (`cache_limit.py`).
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ankleboot.core.cache_limit import lock_path, make_room, mark_used
from ankleboot.core.errors import EnvironmentFailure, first_line
from ankleboot.core.files import (
    atomic_write,
    file_lock,
    make_folder,
    remove,
    remove_temp_files,
    sha256_of,
)
from ankleboot.core.sealed import LOG, DamagedError, read_sealed, warn_of_damage, write_sealed
from ankleboot.core.text import escape_unprintable

FORMAT = 1


@dataclass(frozen=True)
class StoredArray:
    """Array, mapped from the disk, with the notes of its maker."""

    array: np.ndarray
    notes: Mapping[str, Any]


class RowWriter:
    """Rows of an array, appended to a file; their number is known at the end."""

    def __init__(self, file: BinaryIO | io.BytesIO, row_shape: tuple[int, ...], dtype: str) -> None:
        self._file, self._row_shape, self._dtype = file, row_shape, np.dtype(dtype)
        self._num_rows, self._hash = 0, hashlib.sha256()
        self._write_header()
        self._start = file.tell()

    def append(self, rows: np.ndarray) -> None:
        """Append rows of the announced shape and type."""
        if rows.shape[1:] != self._row_shape or rows.dtype != self._dtype:
            expected = f"{self._dtype} {self._row_shape}"
            raise RuntimeError(f"{rows.dtype} {rows.shape[1:]}, expected {expected}")
        content = np.ascontiguousarray(rows).data
        self._file.write(content)
        self._hash.update(content)
        self._num_rows += len(rows)

    def finish(self) -> dict[str, Any]:
        """Complete the file; return hash, shape and type of the array."""
        self._file.seek(0)
        self._write_header()
        if self._file.tell() != self._start:  # NumPy pads the header so that the number may change
            raise RuntimeError("the header changed its length")
        return _facts(self._hash.hexdigest(), (self._num_rows, *self._row_shape), self._dtype)

    def _write_header(self) -> None:
        header = {"descr": self._dtype.str, "fortran_order": False}
        shape = (self._num_rows, *self._row_shape)
        np.lib.format.write_array_header_1_0(self._file, header | {"shape": shape})


MakeRows = Callable[[RowWriter], Mapping[str, Any]]
"""Function that appends all rows and returns notes, which are JSON."""


def cached_rows(
    path: Path, key: str, row_shape: tuple[int, ...], dtype: str, make: MakeRows
) -> StoredArray:
    """Return an array of rows, which is made on the disk if it is not there.

    Where no entry can be begun, as on a read-only disk, it is made in memory and not kept.

    Args:
        path: Path of the entry without an ending.
        key: Text that decides the content.
        row_shape: Shape of a row.
        dtype: Type of the numbers.
        make: Function that makes the rows. Nothing is kept if it raises an error.

    Raises:
        EnvironmentFailure: If the disk is full.
    """
    found = _read(path, key)
    if not isinstance(found, StoredArray):
        with ExitStack() as stack:
            try:
                stack.enter_context(_making(path))
            except EnvironmentFailure as error:
                return rows_in_memory(row_shape, dtype, make, error)
            found = _read(path, key)  # another process may have made it
            if not isinstance(found, StoredArray):
                _warn(path, found)
                _write(path, key, row_shape, dtype, make)
                found = _read(path, key)
    if not isinstance(found, StoredArray):
        raise EnvironmentFailure(f"{path}.npy was just written and {found or 'is missing'}")
    return found


def rows_in_memory(
    row_shape: tuple[int, ...], dtype: str, make: MakeRows, error: EnvironmentFailure
) -> StoredArray:
    """Make an array of rows that an error keeps from the disk; a warning says so."""
    file = io.BytesIO()
    rows = RowWriter(file, row_shape, dtype)
    notes = make(rows)
    rows.finish()
    file.seek(0)
    return StoredArray(_unkept(np.load(file, allow_pickle=False), error), notes)


def cached_array(path: Path, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """Return an array in memory; it is made if it is not there, and kept if that is possible.

    Args:
        path: Path of the entry without an ending.
        key: Text that decides the content.
        make: Function that returns the array. Nothing is kept if it raises an error.
    """
    if isinstance(found := _read(path, key), StoredArray):
        return np.array(found.array)
    with ExitStack() as stack:
        try:
            stack.enter_context(_making(path))
        except EnvironmentFailure as error:
            return _unkept(make(), error)
        if isinstance(found := _read(path, key), StoredArray):  # of another process
            return np.array(found.array)
        _warn(path, found)
        array = make()
        try:
            _write(path, key, array.shape[1:], array.dtype.str, partial(_append, array))
        except EnvironmentFailure as error:
            return _unkept(array, error)
    return array


def _append(array: np.ndarray, rows: RowWriter) -> Mapping[str, Any]:
    rows.append(array)
    return {}


def _unkept(array: np.ndarray, error: EnvironmentFailure) -> np.ndarray:
    LOG.warning("%s; the result is not kept", escape_unprintable(str(error)))
    return array


@contextmanager
def _making(path: Path) -> Iterator[None]:
    """Hold the lock of an entry."""
    make_folder(path.parent)
    with file_lock(lock_path(path)):
        yield


def _warn(path: Path, found: DamagedError | None) -> None:
    if found is not None:
        warn_of_damage(_beside(path, ".npy"), found)


def _read(path: Path, key: str) -> StoredArray | DamagedError | None:
    """Return a verified entry, why it cannot be used, or None if there is none."""
    try:
        index = read_sealed(_beside(path, ".json"))
        if index is None or (index["format"], index["key"]) != (FORMAT, sha256_of(key.encode())):
            return None
        mark_used(path)
        array = np.load(_beside(path, ".npy"), mmap_mode="r", allow_pickle=False)
        hashed = hashlib.sha256(array.data).hexdigest()
        if _facts(hashed, array.shape, array.dtype) != index["array"]:
            raise DamagedError("is not the array that was written")
    except DamagedError as error:
        return error
    except MemoryError:
        raise
    except Exception as error:  # NumPy raises many types for damaged files
        return DamagedError(f"cannot be read ({escape_unprintable(first_line(error))})")
    return StoredArray(array, index["notes"])


def _write(path: Path, key: str, row_shape: tuple[int, ...], dtype: str, make: MakeRows) -> None:
    with suppress(EnvironmentFailure, OSError):  # files of a process that was killed
        remove_temp_files(path.parent, of=f"{path.name}.")
    remove(_beside(path, ".json"))  # a kill must not leave it with another array
    make_room(path)
    index: dict[str, Any] = {"format": FORMAT, "key": sha256_of(key.encode())}

    def write(temp: Path) -> None:
        with temp.open("wb") as file:
            rows = RowWriter(file, row_shape, dtype)
            index["notes"] = make(rows)
            index["array"] = rows.finish()

    atomic_write(_beside(path, ".npy"), write)
    write_sealed(_beside(path, ".json"), index)


def _facts(sha256: str, shape: tuple[int, ...], dtype: np.dtype) -> dict[str, Any]:
    return {"sha256": sha256, "shape": list(shape), "dtype": dtype.str}


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
