"""Boundary to libraries that parse data from outside, and raise any exception for damaged data."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ankleboot.core.errors import AnklebootError, first_line, is_system_fault


@contextmanager
def library_errors(describe: Callable[[str], AnklebootError]) -> Iterator[None]:
    """Raise one error for whatever a library raises in the block.

        with library_errors(lambda reason: DataError(f"{path}: damaged ({reason})")):
            array = np.load(io.BytesIO(content), allow_pickle=False)

    Our own errors and missing extras pass, and so do errors of the system (`OSError` with a
    number): a disk that fails says nothing about the data. But it was the data that told a library
    to take more memory than there is.
    """
    try:
        yield
    except (AnklebootError, ImportError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and is_system_fault(error):
            raise
        raise describe(first_line(error)) from error
