"""Errors with their exit codes.

An `AnklebootError` is a fault that the user can correct: the command line prints its message as one
line and exits with its code. Any other exception is a bug.
"""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of errors for want of space."""


class AnklebootError(Exception):
    """Base class of all errors that are reported as one line."""

    exit_code = 1


class UsageError(AnklebootError):
    """Wrong name, value or combination of options."""

    exit_code = 2


class DataError(AnklebootError):
    """Invalid data: truncated, swapped, or with unexpected content."""

    exit_code = 3


class ModelError(AnklebootError):
    """Model or run that is damaged, of the wrong kind, or untrusted."""

    exit_code = 4


class NotApplicableError(ModelError):
    """Method that the structure of a network rules out, such as HiResCAM without feature maps."""


class ForeignModelError(ModelError):
    """Model file that another tool made; `adopt` takes it in."""


class EnvironmentFailure(AnklebootError):
    """Missing resource: disk, network, permission, memory, or an extra of the package."""

    exit_code = 5


class ProcessKilledError(EnvironmentFailure):
    """Child process that a signal ended: for lack of memory, say, or by a person."""


class DivergedError(AnklebootError):
    """Training loss that is not a number."""

    exit_code = 6


class Interrupted(AnklebootError):
    """Orderly end of work by SIGINT or SIGTERM; the exit code is 128 + signal number."""

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.signum = signum
        self.exit_code = 128 + signum  # 130 for SIGINT, 143 for SIGTERM


def error_type(exit_code: int) -> type[AnklebootError]:
    """Return the type of an error that another process reported by its exit code."""
    kinds: tuple[type[AnklebootError], ...] = (UsageError, DataError, EnvironmentFailure)
    return next((kind for kind in kinds if kind.exit_code == exit_code), ModelError)


def is_system_fault(error: BaseException) -> bool:
    """Check if the system made a library fail, which says nothing about the file that it read.

    Libraries also raise OSError, without a number, for what they do not understand; and damaged
    data make them seek before the start of a file (EINVAL).
    """
    has_number = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
    return has_number or isinstance(error, MemoryError)


def first_line(error: BaseException) -> str:
    """Return the first line of the message of another library's error."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
