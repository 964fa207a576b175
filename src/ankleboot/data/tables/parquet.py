"""Parquet files by pyarrow (extra "tables"), with the class names that Hugging Face stores."""

from pathlib import Path
from typing import Any, TypedDict

from ankleboot.core.boundary import library_errors
from ankleboot.core.documents import parse_document
from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.data.tables.table import MAX_ROWS, MAX_TABLE_BYTES, Table, find_column


class _Info(TypedDict):
    features: dict[str, Any]


class _HuggingFace(TypedDict):
    """Document in the metadata of files that Hugging Face datasets writes."""

    info: _Info


def read_parquet(path: Path) -> Table:
    """Read a Parquet file; bytes of images stay bytes.

    Raises:
        DataError: If it is damaged or too large.
        EnvironmentFailure: If pyarrow is not installed.
    """
    try:
        import pyarrow.parquet as parquet
    except ModuleNotFoundError as error:
        raise EnvironmentFailure(
            f"{path}: Parquet needs pyarrow: pip install 'ankleboot[tables]'"
        ) from error
    with library_errors(lambda why: DataError(f"{path}: damaged or no Parquet file ({why})")):
        file = parquet.ParquetFile(path)
        rows, groups = file.metadata.num_rows, range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(i).total_byte_size for i in groups)
        if rows > MAX_ROWS or size > MAX_TABLE_BYTES:
            raise DataError(
                f"{path}: {rows:,} rows, {size >> 20:,} MiB unpacked; allowed are {MAX_ROWS:,} "
                f"and {MAX_TABLE_BYTES >> 20:,}"
            )
        table = file.read()
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
    label = find_column(table.column_names, "label")
    return Table(path, columns, _class_names(table.schema.metadata or {}, label))


def _class_names(metadata: dict[bytes, bytes], label: str | None) -> tuple[str, ...]:
    """Return the names that Hugging Face datasets store for the labels; () if there are none."""
    try:
        document = parse_document(metadata.get(b"huggingface", b""), _HuggingFace)
    except ValueError:
        return ()
    feature = document["info"]["features"].get(label or "")
    names = feature.get("names") if isinstance(feature, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else ()
