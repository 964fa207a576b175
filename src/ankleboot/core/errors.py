"""What can go wrong, and the exit code that says so.

An `AnklebootError` is a mistake or a fault that the user can act on: the command line prints its
message as one line, without a traceback, and exits with its code. Anything else is a bug.
"""


class AnklebootError(Exception):
    """Base of all errors that are reported as one line."""

    exit_code = 1


class UsageError(AnklebootError):
    """A wrong name, value or combination of options."""

    exit_code = 2


class DataError(AnklebootError):
    """Data that is not what it should be: truncated, swapped, of other content."""

    exit_code = 3


class ModelError(AnklebootError):
    """A model or run that is damaged, of the wrong kind, or refused."""

    exit_code = 4


class EnvironmentFailure(AnklebootError):
    """Disk, network, permission, memory, or a missing extra."""

    exit_code = 5


class DivergedError(AnklebootError):
    """Training produced a loss that is not a number."""

    exit_code = 6


class Interrupted(AnklebootError):
    """SIGINT or SIGTERM ended the work in an orderly way; exit code 128 + signal number."""

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signum  # 130 for SIGINT, 143 for SIGTERM


def first_line(error: BaseException) -> str:
    """What a foreign library's error says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
