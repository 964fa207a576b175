"""Tests of atomic writes, reading, locks and hashes."""

import errno
import hashlib
import os
import re
from pathlib import Path

import filelock
import pytest

from ankleboot.core.errors import DataError, EnvironmentFailure, ModelError
from ankleboot.core.files import (
    atomic_write,
    exclusive_folder,
    file_lock,
    make_folder,
    read_bytes,
    remove,
    remove_temp_files,
    sha256_of,
    sha256_of_file,
    temp_files,
    total_bytes,
    write_json,
)


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write(temp: Path) -> None:
        temp.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(EnvironmentFailure, match=f"disk full while writing {path}; free some"):
        atomic_write(path, write)
    assert path.read_bytes() == b"old" and temp_files(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "disk full while writing {} of 3 bytes; free some space"),
        (errno.EDQUOT, "disk full while writing {} of 3 bytes; free some space"),
        (errno.EFBIG, "disk full while writing {} of 3 bytes; free some space"),
        (errno.EIO, "cannot write {}: Input/output error"),
    ],
)
def test_a_failure_to_write_bytes_says_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", fail)
    path = tmp_path / "a"
    with pytest.raises(EnvironmentFailure, match=f"^{re.escape(message.format(path))}$"):
        atomic_write(path, b"new")


def test_an_error_without_a_number_keeps_its_text(tmp_path: Path) -> None:
    def write(_: Path) -> None:
        raise OSError("words of a library")

    with pytest.raises(EnvironmentFailure, match="a: words of a library$"):
        atomic_write(tmp_path / "a", write)


def test_the_file_and_its_name_are_flushed_before_and_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[tuple[str, str]] = []
    fsync, replace = os.fsync, Path.replace

    def record_fsync(descriptor: int) -> None:
        log.append(("fsync", os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def record_replace(source: Path, target: Path) -> Path:
        log.append(("rename", source.name))
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(Path, "replace", record_replace)
    before = len(os.listdir("/proc/self/fd"))
    atomic_write(tmp_path / "a.txt", b"new", suffix=".x")
    assert len(os.listdir("/proc/self/fd")) == before
    (_, written), (_, renamed), last = log
    assert [kind for kind, _ in log] == ["fsync", "rename", "fsync"]
    assert written == str(tmp_path / renamed) and last == ("fsync", str(tmp_path))
    assert re.fullmatch(r"\.a\.txt\.[0-9a-f]{12}\.tmp\.x", renamed)
    assert (tmp_path / "a.txt").read_bytes() == b"new"


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
    assert read_bytes(path) == read_bytes(path, max_bytes=5) == b"12345"
    with pytest.raises(DataError, match="larger than the allowed 4 bytes"):
        read_bytes(path, max_bytes=4)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs a failing read")
def test_an_input_output_error_is_a_fault_of_the_environment() -> None:
    path = Path("/proc/self/mem")  # reading its start gives EIO
    with pytest.raises(EnvironmentFailure, match=f"cannot read {path}: Input/output error"):
        read_bytes(path, missing=ModelError("none"))


@pytest.mark.skipif(os.name != "posix", reason="folders are flushed on POSIX")
def test_a_large_file_is_refused_without_being_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sizes = tmp_path / "a", []
    path.write_bytes(bytes(1000))

    class Reader:
        def __enter__(self) -> "Reader":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self, size: int = -1) -> bytes:
            sizes.append(size)
            return bytes(size)

    monkeypatch.setattr(Path, "open", lambda *_: Reader())
    with pytest.raises(DataError, match=f"^{path}: larger than the allowed 2,000 bytes$"):
        read_bytes(path, max_bytes=2000)
    assert sizes == [2001]


def test_a_json_document_is_indented_and_finite(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": [1], "ü": None})
    assert path.read_bytes() == b'{\n  "a": [\n    1\n  ],\n  "\\u00fc": null\n}\n'
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, {"a": float("nan")})


def test_a_new_folder_is_on_the_disk_before_files_go_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        flushed.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    make_folder(tmp_path / "a/b")
    make_folder(tmp_path / "a/b")
    assert (tmp_path / "a/b").is_dir()
    assert sorted(flushed) == [tmp_path, tmp_path / "a"]


def test_a_folder_whose_parent_cannot_be_flushed_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    make_folder(tmp_path / "a")
    assert (tmp_path / "a").is_dir()


def test_a_folder_that_cannot_be_made_names_the_variable_that_moves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(EnvironmentFailure, match=f"^cannot create folder {file}: File exists$"):
        make_folder(file)
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(file))
    message = f"^cannot create folder {file}/x: Not a directory; set ANKLEBOOT_CACHE to a folder"
    with pytest.raises(EnvironmentFailure, match=message + " that can be written$"):
        make_folder(file / "x")


def test_a_lock_excludes_others_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with file_lock(path), pytest.raises(filelock.Timeout), file_lock(path, wait=False):
        raise RuntimeError("held twice")
    with file_lock(path, wait=False):
        pass
    with pytest.raises(EnvironmentFailure, match=f"^cannot write {path}/lock: "):
        with file_lock(path / "lock"):
            raise RuntimeError("held without a folder")


def test_a_folder_is_exclusive(tmp_path: Path) -> None:
    message = f"^{tmp_path}: another process works there$"
    with exclusive_folder(tmp_path), pytest.raises(EnvironmentFailure, match=message):
        with exclusive_folder(tmp_path):
            raise RuntimeError("held twice")
    with exclusive_folder(tmp_path):
        assert (tmp_path / ".lock").exists()


def test_temporary_files_are_told_by_their_names(tmp_path: Path) -> None:
    temp = [".a.txt.0123456789ab.tmp", ".a.0123456789ab.tmp.keras", ".b.0123456789ab.tmp"]
    kept = [".a.0123456789a.tmp", "a.0123456789ab.tmp", ".a.0123456789ab.tmp.", ".a.tmp"]
    for name in (*temp, *kept):
        (tmp_path / name).write_bytes(b"")
    assert {path.name for path in temp_files(tmp_path)} == set(temp)
    remove_temp_files(tmp_path, of="b")
    assert {path.name for path in tmp_path.iterdir()} == {*temp[:2], *kept}
    remove_temp_files(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(kept)


def test_a_file_is_removed_or_the_reason_told(tmp_path: Path) -> None:
    remove(tmp_path / "none")
    (tmp_path / "a").write_bytes(b"")
    remove(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    with pytest.raises(EnvironmentFailure, match=f"^cannot write {tmp_path}: Is a directory$"):
        remove(tmp_path)


@pytest.mark.parametrize("content", [b"", b"abc", bytes(300_000)])
def test_hashes_are_those_of_hashlib(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    assert sha256_of(content) == sha256_of_file(tmp_path / "a") == expected


def test_the_size_of_a_folder_is_that_of_the_files_below_it(tmp_path: Path) -> None:
    (tmp_path / "model/deeper").mkdir(parents=True)
    (tmp_path / "model/weights").write_bytes(bytes(1_000))
    (tmp_path / "model/deeper/graph").write_bytes(bytes(234))
    (tmp_path / "model/gone").symlink_to(tmp_path / "nowhere")
    assert total_bytes(tmp_path / "model") == 1_234
    assert total_bytes(tmp_path / "model/weights") == 1_000
