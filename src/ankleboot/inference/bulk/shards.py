"""Chunks of tar archives and Parquet files, from their headers alone."""

import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ankleboot.core.boundary import library_errors
from ankleboot.core.errors import DataError, EnvironmentFailure, first_line
from ankleboot.data.tables.table import find_column
from ankleboot.inference.bulk.chunks import (
    Chunk,
    ParquetChunk,
    TarChunk,
    UnreadFile,
    Version,
    open_parquet,
    version_of,
)
from ankleboot.inference.bulk.tar_members import image_members

CHUNK_IMAGES, CHUNK_BYTES = 1024, 16 * 2**20
"""Bounds of a chunk, so that it is a second of work or less at 28 x 28, and a few with photos.

A Parquet file gives whole row groups, which may hold more.
"""
TAR_SUFFIX, PARQUET_SUFFIX = ".tar", ".parquet"
SHARD_SUFFIXES = (TAR_SUFFIX, PARQUET_SUFFIX)
RESULT_KEY = "ankleboot"
"""Key in the metadata of Parquet files that a bulk prediction wrote; they are no input."""

Log = Callable[[str], None]


def chunks_of_shard(path: str, log: Log) -> Iterator[Chunk | str]:
    """Yield the chunks of a file with one of the two suffixes, or the paths that a table holds.

    Raises:
        EnvironmentFailure: If the disk fails.
        ModuleNotFoundError: If it is a Parquet file, and pyarrow is missing.
    """
    if not os.path.isfile(path):  # a FIFO would block
        reason = "not a regular file" if os.path.lexists(path) else "no such file"
        yield UnreadFile(path, reason)
        return
    try:
        is_tar = path.lower().endswith(TAR_SUFFIX)
        yield from _tar_chunks(path) if is_tar else _parquet_chunks(path, log)
    except OSError as error:
        raise EnvironmentFailure(f"{path}: {error.strerror or first_line(error)}") from error


def _tar_chunks(path: str) -> Iterator[Chunk]:
    """Read the headers of an archive and yield its images by the place of the first."""
    start, count, size, damage = 0, 0, 0, ""
    with open(path, "rb") as file:
        version = version_of(file)
        try:
            for member in image_members(file):
                start = member.header if count == 0 else start
                count, size = count + 1, size + member.size
                if count == CHUNK_IMAGES or size >= CHUNK_BYTES:
                    yield TarChunk(path, version, start, count)
                    count, size = 0, 0
        except tarfile.TarError as error:
            damage = f"damaged or no tar archive ({first_line(error)})"
    if count:
        yield TarChunk(path, version, start, count)
    if damage:
        yield UnreadFile(path, damage)


def _parquet_chunks(path: str, log: Log) -> Iterator[Chunk | str]:
    """Read the layout of a Parquet file and yield its row groups, several small ones together."""
    with open(path, "rb") as opened:
        version = version_of(opened)
        try:
            with library_errors(DataError):
                file = open_parquet(opened)
                schema = file.schema_arrow
                groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
                sizes = [(group.num_rows, group.total_byte_size) for group in groups]
        except DataError as error:
            yield UnreadFile(path, f"damaged or no Parquet file ({error})")
            return
        if RESULT_KEY.encode() in (schema.metadata or {}):
            log(f"{path}: the result of a prediction, left out")
            return
        column, has_bytes = _image_column(schema)
        if column is None:
            columns = ", ".join(schema.names)
            yield UnreadFile(path, f"no column of images; name it image or path ({columns})")
        elif has_bytes:
            yield from _joined_groups(path, version, column, sizes)
        else:
            yield from _paths_of_cells(path, file, column)


def _image_column(schema: Any) -> tuple[str | None, bool]:
    """Return the column of images, and whether it holds bytes; such a one comes first."""
    import pyarrow as pa

    with_bytes = [
        field.name
        for field in schema
        if pa.types.is_binary(field.type)
        or pa.types.is_large_binary(field.type)
        or (pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
    ]
    if found := find_column(with_bytes, "path"):
        return found, True
    texts = [
        field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    return find_column(texts, "path"), False


def _joined_groups(
    path: str, version: Version, column: str, sizes: Sequence[tuple[int, int]]
) -> Iterator[Chunk]:
    """Yield row groups, small ones together; `sizes` has the rows and bytes of each."""
    first, start, count, size = 0, 0, 0, 0
    for group, (num_rows, num_bytes) in enumerate(sizes):
        count, size = count + num_rows, size + num_bytes
        is_full = count >= CHUNK_IMAGES or size >= CHUNK_BYTES
        if count and (is_full or group == len(sizes) - 1):
            yield ParquetChunk(path, version, column, (first, group + 1), start, count)
            first, start, count, size = group + 1, start + count, 0, 0


def _paths_of_cells(path: str, file: Any, column: str) -> Iterator[Chunk | str]:
    """Yield the paths in a column, and a chunk without images if it is damaged."""
    batches = file.iter_batches(CHUNK_IMAGES, columns=[column])
    try:
        with library_errors(DataError):
            while (batch := next(batches, None)) is not None:
                cells = batch.column(0).to_pylist()
                yield from [_path_of_cell(path, cell) for cell in cells]
    except DataError as error:
        yield UnreadFile(path, f"damaged file ({error})")


def _path_of_cell(table: str, cell: str | None) -> Chunk | str:
    if not cell:
        return UnreadFile(table, "a row with an empty path")
    return os.path.join(os.path.dirname(table), cell)
