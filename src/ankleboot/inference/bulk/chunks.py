"""Chunks of the input: some images in a row, read where they are predicted.

A chunk is small, since it names images and does not hold them, and it is JSON, so that a plan of
millions fits a file and another machine can read it.
"""

import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ankleboot.core.errors import first_line
from ankleboot.data.preprocessing.decode import MAX_FILE_BYTES
from ankleboot.inference.bulk.tar_members import ImageMember, image_members
from ankleboot.inference.predict import FailedImage, ImageBytes, ImageSource

CHANGED = "the file was changed meanwhile"
ROWS_READ = 64  # of a Parquet file at a time, which bounds the memory


@dataclass(frozen=True)
class FileChunk:
    """Image files by their paths."""

    names: tuple[str, ...]

    @property
    def num_images(self) -> int:
        return len(self.names)

    def images(self) -> Iterator[ImageSource | FailedImage]:
        """Yield the images in order."""
        yield from self.names


@dataclass(frozen=True)
class TarChunk:
    """Images in a row in a tar archive; `version` is its size and time of change.

    Attributes:
        offset: Byte at which the first image's header begins.
    """

    path: str
    version: tuple[int, int]
    offset: int
    num_images: int

    def images(self) -> Iterator[ImageSource | FailedImage]:
        """Yield the images in order, named ARCHIVE/MEMBER."""
        num_read, reason = 0, CHANGED
        try:
            with open(self.path, "rb") as file:
                for member in image_members(file, self.offset):
                    yield _image_of_member(file, member, f"{self.path}/{member.name}")
                    num_read += 1
                    if num_read == self.num_images:
                        return
        except (OSError, tarfile.TarError) as error:
            reason = f"damaged archive ({first_line(error)})"
        for _ in range(num_read, self.num_images):
            yield FailedImage(self.path, reason)


@dataclass(frozen=True)
class ParquetChunk:
    """Rows of a Parquet file with the bytes or the path of an image in a column.

    Attributes:
        groups: First row group, and the one after the last.
        row: Number of the first row in the file, from 0.
    """

    path: str
    version: tuple[int, int]
    column: str
    groups: tuple[int, int]
    row: int
    num_images: int

    def images(self) -> Iterator[ImageSource | FailedImage]:
        """Yield the images in order, named FILE#ROW, or by their paths."""
        import pyarrow.parquet as parquet

        folder, row, reason = Path(self.path).parent, self.row, CHANGED
        try:
            with parquet.ParquetFile(self.path) as file:
                batches = file.iter_batches(
                    ROWS_READ, row_groups=range(*self.groups), columns=[self.column]
                )
                for batch in batches:
                    for cell in batch.column(0).to_pylist():
                        yield _image_of_cell(cell, folder, f"{self.path}#{row}")
                        row += 1
        except Exception as error:  # pyarrow raises many types for damaged files
            reason = f"damaged file ({first_line(error)})"
        for number in range(row, self.row + self.num_images):
            yield FailedImage(f"{self.path}#{number}", reason)


@dataclass(frozen=True)
class UnreadFile:
    """File of the input that holds no images that could be read, and why."""

    path: str
    error: str
    num_images = 1

    def images(self) -> Iterator[ImageSource | FailedImage]:
        """Yield the file as one image that failed."""
        yield FailedImage(self.path, self.error)


Chunk = FileChunk | TarChunk | ParquetChunk | UnreadFile
KINDS: dict[str, type[Chunk]] = {
    "files": FileChunk,
    "tar": TarChunk,
    "parquet": ParquetChunk,
    "unread": UnreadFile,
}


def chunk_to_line(chunk: Chunk) -> str:
    """Return a chunk as one line of JSON; names that are not UTF-8 survive."""
    kind = next(name for name, cls in KINDS.items() if isinstance(chunk, cls))
    return json.dumps({"kind": kind, **asdict(chunk)})


def chunk_from_line(line: str) -> Chunk:
    """Return the chunk of a line."""
    fields: dict[str, Any] = json.loads(line)
    kind: Callable[..., Chunk] = KINDS[fields.pop("kind")]
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


def _image_of_member(file: BinaryIO, member: ImageMember, name: str) -> ImageBytes | FailedImage:
    if member.size > MAX_FILE_BYTES:
        size = f"{member.size >> 20} MiB, more than the allowed {MAX_FILE_BYTES >> 20}"
        return FailedImage(name, size)
    file.seek(member.start)
    return ImageBytes(name, file.read(member.size))


def _image_of_cell(cell: Any, folder: Path, name: str) -> ImageSource | FailedImage:
    """Return the image in a cell: bytes, a path, or both as Hugging Face writes them."""
    value = cell
    if isinstance(cell, dict):
        value = cell.get("bytes") or cell.get("path")
    if isinstance(value, bytes):
        return ImageBytes(name, value)
    if isinstance(value, str) and value:
        return os.path.join(folder, value)
    kind = "an empty cell" if value in (None, "") else f"a cell with {type(value).__name__}"
    return FailedImage(name, f"{kind}; expected the bytes or the path of an image")
