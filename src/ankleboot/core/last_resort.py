"""Errors that no code expected, in one line for the user.

A full disk, a missing permission or too little memory may show anywhere. Every other unexpected
error is a fault of this package: its traceback goes to a log file in the state folder.
"""

import os
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from ankleboot.core.errors import DISK_FULL, AnklebootError, EnvironmentFailure, first_line
from ankleboot.core.paths import state_folder
from ankleboot.core.text import escape_lines

MAX_LOGS = 20  # files that are kept


def exit_code_of(error: Exception) -> int:
    """Return the exit code of an unexpected error."""
    is_environment = isinstance(error, OSError | MemoryError)
    return EnvironmentFailure.exit_code if is_environment else AnklebootError.exit_code


def describe_unexpected(error: Exception) -> str:
    """Describe an unexpected error; write its traceback to a log file if it is a fault."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, OSError):
        return _describe_os_error(error)
    log = write_log(error)
    if log is None:
        sys.stderr.write(escape_lines("".join(traceback.format_exception(error))))
    details = "" if log is None else f"; its traceback is in {log}"
    return (
        f"{type(error).__name__}: {first_line(error)}: this is a fault of Ankleboot, please report "
        f"it{details}"
    )


def _describe_os_error(error: OSError) -> str:
    if error.errno in DISK_FULL:
        return f"disk full while writing {error.filename or 'the output'}"
    reason = error.strerror or first_line(error)
    return f"{os.fsdecode(error.filename)}: {reason}" if error.filename else reason


def write_log(error: Exception) -> Path | None:
    """Write traceback, versions and command line to a new log file; None if that fails."""
    from ankleboot.core.environment import versions

    text = "".join(traceback.format_exception(error))
    with suppress(OSError, AnklebootError):
        folder = state_folder() / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
        content = f"{sys.argv}\n{sys.version}\n{versions()}\n\n{text}"
        path.write_text(content, "utf-8", "backslashreplace")
        for old in sorted(folder.glob("error-*.log"))[:-MAX_LOGS]:
            old.unlink(missing_ok=True)
        return path
    return None
