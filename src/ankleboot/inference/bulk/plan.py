"""Plan of a bulk prediction: the input as chunks, in a file, so that its size needs no memory.

PATH             images
folder           the image files in it and below, and the archives and tables there
.tar             its members that are images, as WebDataset writes them
.parquet         its rows, with the bytes or the path of an image
.txt, -          one of these paths a line
any other file   one image
"""

import glob
import hashlib
import os
import tarfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ankleboot.core.errors import UsageError, first_line
from ankleboot.core.files import write_failure
from ankleboot.core.paths import expand
from ankleboot.data.preprocessing.image_formats import SUFFIXES
from ankleboot.data.tables.table import find_column
from ankleboot.data.walk import IGNORED_FILES, walk
from ankleboot.inference.bulk.chunks import (
    Chunk,
    FileChunk,
    ParquetChunk,
    TarChunk,
    UnreadFile,
    chunk_from_line,
    chunk_to_line,
)
from ankleboot.inference.bulk.tar_members import image_members

CHUNK_IMAGES = 1024
"""Images of a chunk: what a kill loses for each process, and a second of work or less at 28 x 28.

A Parquet file gives whole row groups, which may hold more.
"""
KEY_CHARS = 32  # of the SHA-256 that names a chunk
STDIN = "-"
LIST_SUFFIX, TAR_SUFFIX, PARQUET_SUFFIX = ".txt", ".tar", ".parquet"
SHARD_SUFFIXES = (TAR_SUFFIX, PARQUET_SUFFIX)
PACKED_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.zst")

Log = Callable[[str], None]


@dataclass(frozen=True)
class PlannedChunk:
    """Place of a chunk in the plan's file, and the hash of what it names."""

    number: int
    key: str
    num_images: int


class Plan:
    """Chunks of the input in order; their content is in a file."""

    def __init__(self, path: Path, chunks: Iterable[Chunk]) -> None:
        """Write the plan.

        Raises:
            EnvironmentFailure: If the disk is full, or the folder cannot be written.
        """
        self._path, self._keys = path, list[str]()
        self._offsets, self._counts = array("Q"), array("Q")
        try:
            with path.open("wb") as file:
                for chunk in chunks:
                    line = chunk_to_line(chunk).encode() + b"\n"
                    self._keys.append(hashlib.sha256(line).hexdigest()[:KEY_CHARS])
                    self._offsets.append(file.tell())
                    self._counts.append(chunk.num_images)
                    file.write(line)
        except OSError as error:
            raise write_failure(path, error, None) from error

    @property
    def num_images(self) -> int:
        return sum(self._counts)

    def __iter__(self) -> Iterator[PlannedChunk]:
        for number, (key, count) in enumerate(zip(self._keys, self._counts, strict=True)):
            yield PlannedChunk(number, key, count)

    def line(self, planned: PlannedChunk) -> str:
        """Read the line of a chunk."""
        with self._path.open("rb") as file:
            file.seek(self._offsets[planned.number])
            return file.readline().decode()

    def chunk(self, planned: PlannedChunk) -> Chunk:
        """Read a chunk."""
        return chunk_from_line(self.line(planned))


def find_chunks(paths: Iterable[str], lines: Iterable[str], log: Log) -> Iterator[Chunk]:
    """Yield the chunks of the input.

    Args:
        paths: Files, folders, patterns, lists (.txt), or - for the lines of standard input.
        lines: Lines of standard input.
        log: Receives a line about what is left out.

    Raises:
        UsageError: If a list or pattern is missing or empty, or a path names a packed archive.
    """
    names: list[str] = []
    for path in _named_files(paths, lines, log):
        suffix = os.path.splitext(path)[1].lower()
        if suffix not in SHARD_SUFFIXES:
            names.append(path)
        if names and (suffix in SHARD_SUFFIXES or len(names) == CHUNK_IMAGES):
            yield FileChunk(tuple(names))
            names = []
        if suffix in SHARD_SUFFIXES:
            yield from _tar_chunks(path) if suffix == TAR_SUFFIX else _parquet_chunks(path)
    if names:
        yield FileChunk(tuple(names))


def _named_files(paths: Iterable[str], lines: Iterable[str], log: Log) -> Iterator[str]:
    """Yield the paths of images and shards that are named, or found in folders and lists."""
    for path in paths:
        if path == STDIN:
            yield from _files_of_lines("standard input", lines, log)
        elif path.lower().endswith(LIST_SUFFIX) and not os.path.isdir(path):
            try:
                with open(expand(path), encoding="utf-8", errors="surrogateescape") as file:
                    yield from _files_of_lines(path, file, log)
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror}") from error
        else:
            yield from _files_of_path(path, log)


def _files_of_lines(source: str, lines: Iterable[str], log: Log) -> Iterator[str]:
    is_empty = True
    for line in lines:
        if path := line.rstrip("\r\n"):
            is_empty = False
            yield from _files_of_path(path, log)
    if is_empty:
        raise UsageError(f"{source}: no path in it")


def _files_of_path(path: str, log: Log) -> Iterator[str]:
    """Yield the files of a folder or pattern, or the path itself; a missing one fails later."""
    path = os.fspath(expand(path))
    if path.lower().endswith(PACKED_TARS):
        raise UsageError(
            f"{path}: a packed archive, which cannot be read from the middle; unpack it to .tar"
        )
    if os.path.isdir(path):
        yield from _search(Path(path), log)
    elif not os.path.lexists(path) and glob.has_magic(path):
        matches = sorted(glob.glob(path, recursive=True))
        if not matches:
            raise UsageError(f"{path}: no file matches")
        for match in matches:
            if not os.path.isdir(match):
                yield match
            elif "**" not in path:  # which matches the files in the folder as well
                yield from _search(Path(match), log)
    else:
        yield path


def _search(folder: Path, log: Log) -> Iterator[str]:
    """Yield the images and shards below a folder; tell once how many other files there are."""
    others = Counter[str]()
    for entry in walk(folder, log, bounded=False):
        suffix = entry.path.suffix.lower()
        if entry.kind in ("file", "broken link"):
            if suffix in SUFFIXES or suffix in SHARD_SUFFIXES:
                yield os.fspath(entry.path)
            elif entry.path.name.lower() not in IGNORED_FILES:
                others[suffix or "no suffix"] += 1
    if others:
        kinds = ", ".join(f"{suffix} {count:,}" for suffix, count in others.most_common(3))
        log(f"{folder}: skipped, neither images nor shards: {others.total():,} ({kinds})")


def _version(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _tar_chunks(path: str) -> Iterator[Chunk]:
    """Read the headers of an archive and yield its images by the place of the first."""
    start, count = 0, 0
    try:
        version = _version(path)
        with open(path, "rb") as file:
            for member in image_members(file):
                start = member.header if count == 0 else start
                count += 1
                if count == CHUNK_IMAGES:
                    yield TarChunk(path, version, start, count)
                    count = 0
        if count:
            yield TarChunk(path, version, start, count)
    except OSError as error:
        yield UnreadFile(path, error.strerror or first_line(error))
    except tarfile.TarError as error:
        if count:
            yield TarChunk(path, version, start, count)
        yield UnreadFile(path, f"damaged or no tar archive ({first_line(error)})")


def _parquet_chunks(path: str) -> Iterator[Chunk]:
    """Read the layout of a Parquet file and yield its row groups, several small ones together."""
    import pyarrow.parquet as parquet

    try:
        version = _version(path)
        with closing(parquet.ParquetFile(path)) as file:
            column = find_column(file.schema_arrow.names, "path")
            rows = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            names = ", ".join(file.schema_arrow.names)
    except OSError as error:
        yield UnreadFile(path, error.strerror or first_line(error))
        return
    except Exception as error:  # pyarrow raises many types for damaged files
        yield UnreadFile(path, f"damaged or no Parquet file ({first_line(error)})")
        return
    if column is None:
        yield UnreadFile(path, f"no column with images; name it image or path (columns: {names})")
        return
    yield from _joined_groups(path, version, column, rows)


def _joined_groups(
    path: str, version: tuple[int, int], column: str, rows: list[int]
) -> Iterator[Chunk]:
    first, start, count = 0, 0, 0
    for group, num_rows in enumerate(rows):
        count += num_rows
        if count >= CHUNK_IMAGES or (count and group == len(rows) - 1):
            yield ParquetChunk(path, version, column, (first, group + 1), start, count)
            first, start, count = group + 1, start + count, 0


def refuse_shards(paths: Iterable[str]) -> None:
    """Refuse paths that only a bulk prediction reads.

    Raises:
        UsageError: If there is one.
    """
    for path in paths:
        if path.lower().endswith((*SHARD_SUFFIXES, *PACKED_TARS, LIST_SUFFIX)):
            if not os.path.isdir(path):
                raise UsageError(f"{path} goes with --output FILE.parquet; images go without")
