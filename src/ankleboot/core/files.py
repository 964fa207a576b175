"""Atomic file writes, locks and hashes.

`atomic_write` writes beside the target, flushes to the disk, and renames: a kill at any moment
leaves the old file or the new one, and perhaps a temporary one for `remove_temp_files`.
"""

import hashlib
import json
import os
import re
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock

from ankleboot.core.errors import DISK_FULL, AnklebootError, DataError, EnvironmentFailure
from ankleboot.core.paths import moving_variable

MAX_TEMP_STEM = 50  # letters of a name that its temporary one keeps: file systems take 255 bytes
TEMP_NAME = re.compile(r"\..+\.[0-9a-f]{12}\.tmp(\.\w+)?")

DAMAGED_ZIP = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,  # "encrypted", and NotImplementedError for unknown compressions
    zipfile.BadZipFile,
    zlib.error,
)
"""Exceptions of reading a damaged zip archive."""


def atomic_write(path: Path, content: bytes | Callable[[Path], None], *, suffix: str = "") -> None:
    """Replace the file at `path` in one step.

    The folder must exist. `content` may be a function that writes the file at a path that it
    receives; `suffix` is an ending of the temporary name, which some writers require.

    Raises:
        EnvironmentFailure: If the disk is full, the folder is missing or not writable.
    """
    temp = temp_path(path, f"tmp{suffix}")
    try:
        if callable(content):
            content(temp)
        else:
            temp.write_bytes(content)
        _flush(temp, os.O_RDWR)  # Windows flushes only files opened for writing
        temp.replace(path)
        _flush_names(path.parent)
    except BaseException as error:
        with suppress(OSError):  # the first error counts; the next start removes the file
            temp.unlink()
        if isinstance(error, OSError):
            num_bytes = None if callable(content) else len(content)
            raise write_failure(path, error, num_bytes) from error
        raise


def temp_path(path: Path, ending: str) -> Path:
    """Return a new hidden path beside a file or folder."""
    return path.with_name(f".{path.name[:MAX_TEMP_STEM]}.{uuid.uuid4().hex[:12]}.{ending}")


def _flush_names(folder: Path) -> None:
    """Flush a folder to the disk: with it the files that were made, renamed or removed in it."""
    if os.name == "posix":
        _flush(folder, os.O_RDONLY)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_failure(path: Path, error: OSError, num_bytes: int | None) -> EnvironmentFailure:
    """Describe why `path` could not be written."""
    if error.errno in DISK_FULL:
        size = "" if num_bytes is None else f" of {num_bytes} bytes"
        return EnvironmentFailure(f"disk full while writing {path}{size}; free some space")
    return EnvironmentFailure(f"cannot write {path}: {error.strerror or error}")


def read_bytes(
    path: Path, *, missing: AnklebootError | None = None, max_bytes: int | None = None
) -> bytes:
    """Read a file.

    Args:
        path: Path to the file.
        missing: Error to raise if there is no such file.
        max_bytes: Largest size that is read.

    Raises:
        DataError: If the file is larger.
        EnvironmentFailure: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(-1 if max_bytes is None else max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise missing or read_failure(path, error) from error
    except OSError as error:
        raise read_failure(path, error) from error
    if max_bytes is not None and len(content) > max_bytes:
        raise DataError(f"{path}: larger than the allowed {max_bytes:,} bytes")
    return content


def read_failure(path: Path, error: OSError) -> EnvironmentFailure:
    """Describe why `path` could not be read."""
    return EnvironmentFailure(f"cannot read {path}: {error.strerror or error}")


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document atomically, indented, with a final newline; NaN is a fault."""
    atomic_write(path, (json.dumps(document, indent=2, allow_nan=False) + "\n").encode())


def make_folder(path: Path) -> None:
    """Create a folder and its parents, and flush their names to the disk.

    Raises:
        EnvironmentFailure: If that is not permitted, or the path is a file.
    """
    try:
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for folder in missing:  # files flushed in a folder are lost with its name
            with suppress(PermissionError):  # a parent that may be written but not read
                _flush_names(folder.parent)
    except OSError as error:
        variable = moving_variable(path)
        advice = f"; set {variable} to a folder that can be written" if variable else ""
        raise EnvironmentFailure(
            f"cannot create folder {path}: {error.strerror or error}{advice}"
        ) from error


@contextmanager
def file_lock(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock file; the operating system releases it when its process ends.

    Raises:
        EnvironmentFailure: If the lock file cannot be written.
        filelock.Timeout: If another process holds it and `wait` is off.
    """
    lock = filelock.FileLock(path, blocking=wait)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise
    except OSError as error:  # read-only folder or file system
        raise write_failure(path, error, None) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def exclusive_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that two processes do not do the same work there.

    Raises:
        EnvironmentFailure: If another process holds it, or the folder cannot be written.
    """
    try:
        with file_lock(folder / ".lock", wait=False):
            yield
    except filelock.Timeout as error:
        raise EnvironmentFailure(f"{folder}: another process works there") from error


def remove_temp_files(folder: Path, *, of: str = "") -> None:
    """Remove the temporary files of killed processes in `folder`: all, or those of a file name."""
    for path in temp_files(folder):
        if path.name.startswith(f".{of[:MAX_TEMP_STEM]}"):
            remove(path)


def temp_files(folder: Path) -> list[Path]:
    """List the temporary files of `atomic_write` in `folder`."""
    return [path for path in folder.iterdir() if TEMP_NAME.fullmatch(path.name)]


def remove(path: Path) -> None:
    """Delete a file if it exists.

    Raises:
        EnvironmentFailure: If that is not permitted.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_failure(path, error, None) from error


def sha256_of(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def total_bytes(path: Path) -> int:
    """Return the size of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
