"""Tests of atomic writes and of reading."""

import errno
import os
from pathlib import Path

import pytest

from ankleboot.core import files
from ankleboot.core.errors import DataError, EnvironmentFailure, ModelError
from ankleboot.core.files import atomic_write, make_folder, read_bytes, temp_files


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write(temp: Path) -> None:
        temp.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(EnvironmentFailure, match=f"disk full while writing {path}"):
        atomic_write(path, write)
    assert path.read_bytes() == b"old" and temp_files(tmp_path) == []


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), RuntimeError("EIO")])
def test_a_failing_clean_up_does_not_hide_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def write(_: Path) -> None:
        raise error

    def unlink(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", unlink)
    expected = EnvironmentFailure if isinstance(error, OSError) else RuntimeError
    with pytest.raises(expected, match="Input/output error|EIO"):
        atomic_write(tmp_path / "a", write)


def test_a_written_file_needs_no_clean_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlink(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", unlink)
    atomic_write(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_reading_tells_missing_files_from_others(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(ModelError, match="none"):
        read_bytes(path, missing=ModelError("none"))
    with pytest.raises(ModelError, match="none"):
        (tmp_path / "file").write_bytes(b"")
        read_bytes(tmp_path / "file/below", missing=ModelError("none"))
    with pytest.raises(EnvironmentFailure, match=f"cannot read {path}: No such file"):
        read_bytes(path)
    path.write_bytes(b"12345")
    assert read_bytes(path, max_bytes=5) == b"12345"
    with pytest.raises(DataError, match="larger than the allowed 4 bytes"):
        read_bytes(path, max_bytes=4)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs a failing read")
def test_an_input_output_error_is_a_fault_of_the_environment() -> None:
    path = Path("/proc/self/mem")  # reading its start gives EIO
    with pytest.raises(EnvironmentFailure, match=f"cannot read {path}: Input/output error"):
        read_bytes(path, missing=ModelError("none"))


@pytest.mark.skipif(os.name != "posix", reason="folders are flushed on POSIX")
def test_a_new_folder_is_on_the_disk_before_files_go_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr(files, "_flush", lambda path, _: flushed.append(path))
    make_folder(tmp_path / "a/b")
    assert set(flushed) == {tmp_path, tmp_path / "a"}  # which hold the names of a and b
    make_folder(tmp_path / "a/b")
    assert len(flushed) == 2
