"""Search for an IDX file by its first bytes, under whatever name it lies in a folder."""

import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from ankleboot.data.fashion_mnist.idx import IMAGES_MAGIC, LABELS_MAGIC, IdxFile

MAX_CANDIDATES = 200  # files of a folder that are opened if their names say nothing
GZIP_MAGIC = b"\x1f\x8b"
NAME_PARTS = ("idx", "ubyte")


def find_idx_file(folder: Path, file: IdxFile) -> Path | None:
    """Return the file whose header is that of an IDX file; one named like it comes first."""
    magic = IMAGES_MAGIC if file.holds_images else LABELS_MAGIC
    matches = [path for path in idx_candidates(folder) if idx_header(path) == (magic, file.count)]
    prefix = file.name.partition("-")[0]
    matches.sort(key=lambda path: (prefix not in path.name, path))
    return matches[0] if matches else None


def has_idx_header(folder: Path) -> bool:
    """Check if a folder has a file that begins as an IDX file of images does."""
    return any(
        header is not None and header[0] == IMAGES_MAGIC
        for header in map(idx_header, idx_candidates(folder))
    )


def idx_candidates(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, and those in folders of it that have the name of a file."""
    try:
        paths = sorted(folder.iterdir())
        named = [path for path in paths if any(part in path.name.lower() for part in NAME_PARTS)]
        for path in named if named or len(paths) > MAX_CANDIDATES else paths:
            if path.is_dir() and path in named:
                yield from (inner for inner in sorted(path.iterdir()) if inner.is_file())
            elif path.is_file():
                yield path
    except OSError:
        return  # reading reports it


def idx_header(path: Path) -> tuple[int, int] | None:
    """Return the magic number and the count of an IDX file, plain or gzip."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
        if head[:2] == GZIP_MAGIC:
            with gzip.open(path) as unpacked:
                head = unpacked.read(8)
        magic, count = struct.unpack(">II", head)
    except (OSError, EOFError, zlib.error, struct.error):
        return None
    return (magic, count) if magic in (IMAGES_MAGIC, LABELS_MAGIC) else None
