"""Files with the names of classes, one a line."""

from pathlib import Path

from ankleboot.core.errors import DataError

MAX_BYTES = 1_000_000


def read_class_names(path: Path) -> list[str]:
    """Read class names from a file, which may number its lines ("0 cat", as Teachable Machine).

    Raises:
        DataError: If it cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path}: larger than {MAX_BYTES:,} bytes")
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    names = [line.strip() for line in content.splitlines() if line.strip()]
    numbered = [name.partition(" ") for name in names]
    if all(number == str(i) and name for i, (number, _, name) in enumerate(numbered)):
        return [name.strip() for _, _, name in numbered]
    return names
