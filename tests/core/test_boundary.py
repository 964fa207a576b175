"""Errors of libraries that parse data from outside."""

import errno
from collections.abc import Callable

import pytest

from ankleboot.core.boundary import library_errors
from ankleboot.core.errors import DataError, UsageError


def raised(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        with library_errors(lambda why: DataError(f"x: damaged ({why})")):
            raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a"),
        RecursionError("a"),
        MemoryError("a"),  # of sizes that the data tell
        OSError("a"),  # without a number: of a library
        OSError(errno.EINVAL, "a"),  # a place before the start of the file
    ],
)
def test_what_damaged_data_bring_is_one_error(error: Exception) -> None:
    with pytest.raises(DataError, match=r"^x: damaged \(.*a\)$") as found:
        raised(error)()
    assert found.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [UsageError("a"), OSError(errno.EIO, "a"), ModuleNotFoundError("a")]
)
def test_what_says_nothing_about_the_data_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as found:
        raised(error)()
    assert found.value is error
