"""Plan of a bulk prediction: the input as chunks, in a file, so that its size needs no memory."""

import hashlib
import os
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ankleboot.core.files import write_failure
from ankleboot.inference.bulk.chunks import Chunk, FileChunk, chunk_from_line, chunk_to_line
from ankleboot.inference.bulk.inputs import named_files
from ankleboot.inference.bulk.shards import SHARD_SUFFIXES, Log, chunks_of_shard

CHUNK_FILES = 128  # mean number of loose files in a chunk, whose sizes are not known
KEY_CHARS = 32  # of the SHA-256 that names a chunk


@dataclass(frozen=True)
class PlannedChunk:
    """Place of a chunk in the plan's file, and the hash of what it names."""

    number: int
    key: str
    num_images: int


class Plan:
    """Chunks of the input in order; their content is in a file.

    Attributes:
        sha256: Hash of all that the chunks name.
    """

    def __init__(self, path: Path, chunks: Iterable[Chunk]) -> None:
        """Write the plan.

        Raises:
            EnvironmentFailure: If the disk is full, or the folder cannot be written.
        """
        self._path, self._keys = path, list[str]()
        self._offsets, self._counts = array("Q"), array("Q")
        whole = hashlib.sha256()
        try:
            file = path.open("wb")
        except OSError as error:
            raise write_failure(path, error, None) from error
        with file:
            for chunk in chunks:
                line = chunk_to_line(chunk).encode() + b"\n"
                whole.update(line)
                self._keys.append(hashlib.sha256(line).hexdigest()[:KEY_CHARS])
                self._offsets.append(file.tell())
                self._counts.append(chunk.num_images)
                try:
                    file.write(line)
                except OSError as error:
                    raise write_failure(path, error, None) from error
        self.sha256 = whole.hexdigest()

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
        Others: The errors of `named_files` and `chunks_of_shard`.
    """
    names: list[str] = []
    for item in _items(paths, lines, log):
        if isinstance(item, str):
            names.append(item)
        if names and (not isinstance(item, str) or _is_last(names)):
            yield FileChunk(tuple(names))
            names = []
        if not isinstance(item, str):
            yield item
    if names:
        yield FileChunk(tuple(names))


def _items(paths: Iterable[str], lines: Iterable[str], log: Log) -> Iterator[Chunk | str]:
    """Yield paths of images, and the chunks of shards."""
    for path in named_files(paths, lines, log):
        if os.path.splitext(path)[1].lower() in SHARD_SUFFIXES:
            yield from chunks_of_shard(path, log)
        else:
            yield path


def _is_last(names: list[str]) -> bool:
    """Check if a chunk of files ends here.

    The names decide, not their number alone, so that a new file moves the borders of its own chunk
    and not of all that follow. A chunk has half to twice the usual number.
    """
    if len(names) < CHUNK_FILES // 2:
        return False
    is_border = zlib.crc32(os.fsencode(names[-1])) % (CHUNK_FILES // 2) == 0
    return is_border or len(names) >= 2 * CHUNK_FILES
