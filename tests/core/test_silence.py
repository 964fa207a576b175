"""Suppression of other libraries' output, also where no file can be opened."""

import os
import subprocess
import sys
import tempfile

import pytest

from ankleboot.core import silence
from ankleboot.core.silence import silenced


def no_folder() -> None:
    raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")


@pytest.mark.parametrize("has_memfd", [True, False])
def test_no_folder_for_temporary_files_is_needed(
    has_memfd: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a read-only system without /tmp every prediction failed."""
    monkeypatch.setattr(tempfile, "TemporaryFile", no_folder)
    if not has_memfd:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    with silenced():
        os.write(2, b"banner\n")
    assert capfd.readouterr().err == ""
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_failure_shows_what_was_suppressed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="x"), silenced():
        os.write(2, b"the reason\n")
        raise ValueError("x")
    assert capfd.readouterr().err == "the reason\n"


def test_an_interrupt_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), silenced():
        os.write(2, b"banner\n")
        raise KeyboardInterrupt
    assert capfd.readouterr().err == ""


def test_used_up_descriptors_leave_none_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_file() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(silence, "_capture_file", no_file)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    for _ in range(3):
        with pytest.raises(OSError, match="Too many open files"), silenced():
            pass
    assert not before or len(os.listdir("/proc/self/fd")) == before


def test_closed_stderr_is_no_error() -> None:
    code = (
        "import os; os.close(2)\nfrom ankleboot.core.silence import silenced\nwith silenced(): pass"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
