"""Files with the names of classes, one a line."""

from pathlib import Path

from ankleboot.core.errors import DataError
from ankleboot.core.files import read_bytes

MAX_BYTES = 1_000_000


def read_class_names(path: Path) -> list[str]:
    """Read class names from a file, which may number its lines ("0 cat", as Teachable Machine).

    Raises:
        DataError: If it is no UTF-8 text or too large.
        EnvironmentFailure: If it cannot be read.
    """
    try:
        content = read_bytes(path, max_bytes=MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    names = [line.strip() for line in content.splitlines() if line.strip()]
    numbered = [name.partition(" ") for name in names]
    if all(number == str(i) and name for i, (number, _, name) in enumerate(numbered)):
        return [name.strip() for _, _, name in numbered]
    return names
