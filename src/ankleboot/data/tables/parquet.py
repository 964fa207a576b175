"""Parquet files by pyarrow (extra "tables"), with the class names that Hugging Face stores."""

import json
from pathlib import Path
from typing import Any

from ankleboot.core.errors import DataError, EnvironmentFailure, first_line
from ankleboot.data.tables.table import MAX_ROWS, MAX_TABLE_BYTES, Table, find_column


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
    try:
        file = parquet.ParquetFile(path)
        rows, groups = file.metadata.num_rows, range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(i).total_byte_size for i in groups)
        if rows > MAX_ROWS or size > MAX_TABLE_BYTES:
            raise DataError(
                f"{path}: {rows:,} rows, {size >> 20:,} MiB unpacked; allowed are {MAX_ROWS:,} "
                f"and {MAX_TABLE_BYTES >> 20:,}"
            )
        table = file.read()
    except DataError:
        raise
    except Exception as error:  # pyarrow raises many types for damaged files
        raise DataError(f"{path}: damaged or no Parquet file ({first_line(error)})") from error
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    label = find_column(table.column_names, "label")
    return Table(path, columns, _class_names(table.schema.metadata or {}, label))


def _class_names(metadata: dict[bytes, bytes], label: str | None) -> tuple[str, ...]:
    """Return the names that Hugging Face datasets store for the labels; () if there are none."""
    try:
        features: dict[str, Any] = json.loads(metadata[b"huggingface"])["info"]["features"]
        names = features[label or ""]["names"]
        return tuple(map(str, names)) if isinstance(names, list) else ()
    except (KeyError, TypeError, ValueError):
        return ()
