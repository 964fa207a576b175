"""Tests of errors that no code expected."""

import errno
import re
from pathlib import Path

import pytest

from ankleboot.cli import main
from ankleboot.core import last_resort
from ankleboot.core.errors import EnvironmentFailure


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANKLEBOOT_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def raising(error: BaseException) -> object:
    def get_command(*_: object) -> None:
        raise error

    return get_command


def run_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(main.Commands, "get_command", raising(error))
    return main.run(["predict"])


def test_a_fault_is_one_line_and_a_log_file_with_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(ZeroDivisionError("division\nby zero"), monkeypatch) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert "ZeroDivisionError: division: this is a fault of Ankleboot" in captured.err
    match = re.search(r"its traceback is in (.+\.log)$", captured.err)
    assert match
    log = Path(match[1]).read_text()
    assert "Traceback" in log and "get_command" in log and "'numpy'" in log


def test_a_fault_without_a_place_for_its_log_shows_the_traceback(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state.write_text("a file where the folder should be")
    assert run_with(KeyError("x"), monkeypatch) == 1
    error = capsys.readouterr().err
    assert "Traceback" in error and error.splitlines()[-1].startswith("error: KeyError: 'x'")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), "a/b: Permission denied"),
        (OSError(errno.EIO, "Input/output error", "x.png"), "x.png: Input/output error"),
        (OSError(errno.ENOSPC, "No space left on device", "m"), "disk full while writing m"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk full while writing the output"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (OSError("some library's words"), "some library's words"),
        (MemoryError(), "out of memory"),
    ],
)
def test_faults_of_the_environment_are_one_line_with_exit_code_5(
    error: Exception,
    line: str,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(main, "_drop_output", lambda: None)
    assert run_with(error, monkeypatch) == EnvironmentFailure.exit_code
    assert capsys.readouterr().err == f"error: {line}\n"
    assert not state.exists()


def test_the_newest_logs_are_kept(state: Path) -> None:
    folder = state / "logs"
    folder.mkdir(parents=True)
    for day in range(1, 31):
        (folder / f"error-202601{day:02}-000000-1.log").write_text("")
    path = last_resort.write_log(ValueError("x"))
    assert path in (logs := sorted(folder.iterdir()))
    assert len(logs) == last_resort.MAX_LOGS and logs[0].name == "error-20260112-000000-1.log"
