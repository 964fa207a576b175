"""Chunks of the input: some images in a row, read where they are predicted.

A chunk is small, since it names images and does not hold them, and it is JSON, so that a plan of
millions fits a file and another machine can read it.
"""

import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from ankleboot.core.errors import EnvironmentFailure, first_line
from ankleboot.data.preprocessing.decode import MAX_FILE_BYTES
from ankleboot.inference.bulk.tar_members import ImageMember, image_members
from ankleboot.inference.predict import FailedImage, ImageBytes, ImageSource

ROWS_READ, BYTES_READ = 64, 8 * 2**20
"""Bounds of the rows of a Parquet file that are in memory at a time."""

WHOLE_BYTES = 64 * 2**20  # of a Parquet file whose row groups are read at once

Version = tuple[int, int]
"""Size of a file in bytes, and time of its last change in nanoseconds."""


@dataclass(frozen=True)
class FileChunk:
    """Image files by their paths."""

    names: tuple[str, ...]

    @property
    def num_images(self) -> int:
        return len(self.names)

    @property
    def first(self) -> str:
        return self.names[0]

    def images(self) -> Iterator[ImageSource | FailedImage]:
        """Yield the images in order."""
        yield from self.names


@dataclass(frozen=True)
class TarChunk:
    """Images in a row in a tar archive.

    Attributes:
        offset: Byte at which the first image's header begins.
    """

    path: str
    version: Version
    offset: int
    num_images: int

    @property
    def first(self) -> str:
        return self.path

    def images(self) -> Iterator[ImageSource | FailedImage]:
        """Yield the images in order, named ARCHIVE/MEMBER.

        Raises:
            EnvironmentFailure: If the archive cannot be read, or was changed after the plan.
        """
        num_read, reason = 0, ""
        try:
            with open(self.path, "rb") as file:
                _require_version(file, self.path, self.version)
                for member in image_members(file, self.offset):
                    yield _image_of_member(file, member, f"{self.path}/{member.name}")
                    num_read += 1
                    if num_read == self.num_images:
                        return
        except OSError as error:
            raise EnvironmentFailure(f"{self.path}: {error.strerror or error}") from error
        except tarfile.TarError as error:
            reason = f"damaged archive ({first_line(error)})"
        for _ in range(num_read, self.num_images):
            yield FailedImage(self.path, reason)


@dataclass(frozen=True)
class ParquetChunk:
    """Row groups of a Parquet file with the bytes of an image in a column.

    Attributes:
        groups: First row group, and the one after the last.
        row: Number of the first row in the file, from 0.
    """

    path: str
    version: Version
    column: str
    groups: tuple[int, int]
    row: int
    num_images: int

    @property
    def first(self) -> str:
        return f"{self.path}#{self.row}"

    def images(self) -> Iterator[ImageSource | FailedImage]:
        """Yield the images in order, named FILE#ROW, or by their paths where a cell has no bytes.

        Raises:
            EnvironmentFailure: If the file cannot be read, or was changed after the plan.
        """
        row, reason = self.row, ""
        try:
            with open(self.path, "rb") as file:
                _require_version(file, self.path, self.version)
                for cell in self._cells(file):
                    yield _image_of_cell(cell, os.path.dirname(self.path), f"{self.path}#{row}")
                    row += 1
        except EnvironmentFailure:
            raise
        except Exception as error:  # pyarrow raises many types for damaged files
            if isinstance(error, MemoryError) or getattr(error, "errno", None):
                raise EnvironmentFailure(f"{self.path}: {first_line(error)}") from error
            reason = f"damaged file ({first_line(error)})"
        for number in range(row, self.row + self.num_images):
            yield FailedImage(f"{self.path}#{number}", reason)

    def _cells(self, file: BinaryIO) -> Iterator[Any]:
        source = open_parquet(file)
        groups = range(*self.groups)
        num_bytes = sum(source.metadata.row_group(i).total_byte_size for i in groups)
        fitting = BYTES_READ * self.num_images // max(num_bytes, 1)
        size = max(1, min(ROWS_READ, fitting))
        for batch in source.iter_batches(size, row_groups=groups, columns=[self.column]):
            yield from batch.column(0).to_pylist()


@dataclass(frozen=True)
class UnreadFile:
    """File of the input that holds no images that could be read, and why."""

    path: str
    error: str
    num_images = 1

    @property
    def first(self) -> str:
        return self.path

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


def version_of(file: BinaryIO) -> Version:
    """Return the version of an open file."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def open_parquet(file: BinaryIO) -> Any:
    """Open a Parquet file; parts of a large one are read as they are needed.

    A small file is read at once: arrow allocates what the header of a page announces, up to 2 GiB,
    if it reads page by page.
    """
    import pyarrow.parquet as parquet

    is_large = os.fstat(file.fileno()).st_size > WHOLE_BYTES
    return parquet.ParquetFile(file, buffer_size=2**20 if is_large else 0, pre_buffer=False)


def _require_version(file: BinaryIO, path: str, version: Version) -> None:
    if version_of(file) != version:
        raise EnvironmentFailure(f"{path}: changed since it was listed; repeat the command")


def _image_of_member(file: BinaryIO, member: ImageMember, name: str) -> ImageBytes | FailedImage:
    if member.size > MAX_FILE_BYTES:
        return _too_large(name, member.size)
    file.seek(member.start)
    return ImageBytes(name, file.read(member.size))


def _image_of_cell(cell: Any, folder: str, name: str) -> ImageSource | FailedImage:
    """Return the image in a cell: bytes, or a structure of bytes and a path as of Hugging Face."""
    value = cell
    if isinstance(cell, dict):
        value = cell.get("bytes") or cell.get("path")
    if isinstance(value, bytes):
        is_large = len(value) > MAX_FILE_BYTES
        return _too_large(name, len(value)) if is_large else ImageBytes(name, value)
    if isinstance(value, str) and value:
        return os.path.join(folder, value)
    return FailedImage(name, "an empty cell; expected the bytes or the path of an image")


def _too_large(name: str, size: int) -> FailedImage:
    allowed = MAX_FILE_BYTES >> 20
    return FailedImage(name, f"{size >> 20} MiB, more than the allowed {allowed}")
