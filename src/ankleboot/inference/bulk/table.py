"""Predictions as a Parquet table: a row for each image, in the order of the input."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from ankleboot.core.boundary import library_errors
from ankleboot.core.documents import parse_document
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.text import escape_unprintable
from ankleboot.inference.bulk.shards import RESULT_KEY
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import FailedImage

ROWS_HELD = 1024  # predictions before they become columns, which are twenty times smaller
GROUP_ROWS = 65_536  # rows of a row group of the result
NONE_OF_THESE = "none_of_these"
NAME = pa.dictionary(pa.int32(), pa.string())
COLUMNS = {
    "path": pa.string(),
    "label": NAME,
    "index": pa.int32(),
    "confidence": pa.float32(),
    "abstained": pa.bool_(),
    "reason": NAME,
    "error": NAME,
}
"""Columns before those of the classes; the same as of `predict --csv`."""


@dataclass
class Counts:
    """Numbers of images: by label, without a reliable label, and unread."""

    by_label: Counter[str] = field(default_factory=Counter)
    num_unsure: int = 0
    num_failed: int = 0

    def add(self, table: pa.Table) -> None:
        """Count the rows of a table."""
        labels = table.column("label").cast(pa.string())
        named = pa.table({"label": labels, "abstained": table.column("abstained")})
        for row in named.group_by(named.column_names).aggregate([([], "count_all")]).to_pylist():
            if row["label"] is None:
                self.num_failed += row["count_all"]
            elif row["abstained"]:
                self.num_unsure += row["count_all"]
            else:
                self.by_label[row["label"]] += row["count_all"]


def result_schema(labels: Sequence[str], document: dict[str, Any]) -> pa.Schema:
    """Return the columns of the result, with a document as metadata.

    Raises:
        UsageError: If a class has the name of a column.
    """
    if taken := {*COLUMNS, NONE_OF_THESE} & set(labels):
        raise UsageError(
            f"the model has a class called {taken.pop()!r}, which is a column of the result"
        )
    probs = dict.fromkeys((*labels, NONE_OF_THESE), pa.float32())
    return pa.schema({**COLUMNS, **probs}, metadata={RESULT_KEY: json.dumps(document)})


def part_bytes(results: Iterable[Prediction | FailedImage], labels: Sequence[str]) -> bytes:
    """Return the rows of a chunk as the content of a Parquet file."""
    schema, sink, remaining = result_schema(labels, {}), pa.BufferOutputStream(), iter(results)
    with parquet.ParquetWriter(sink, schema) as writer:
        while rows := list(islice(remaining, ROWS_HELD)):
            columns = _columns(rows, labels)
            arrays = {name: columns[name] for name in schema.names}
            writer.write_table(pa.table(arrays, schema))
    return bytes(sink.getvalue())


def _columns(
    rows: Sequence[Prediction | FailedImage], labels: Sequence[str]
) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "path": [_as_utf8(row.path) for row in rows],
        "error": [row.error if isinstance(row, FailedImage) else None for row in rows],
    }
    for key in ("label", "index", "confidence", "abstained", "reason", NONE_OF_THESE):
        columns[key] = [getattr(row, key, None) for row in rows]
    for label in labels:
        columns[label] = [
            row.probs.get(label) if isinstance(row, Prediction) else None for row in rows
        ]
    return columns


def join_parts(parts: Iterable[Path], target: Path, schema: pa.Schema, counts: Counts) -> None:
    """Write the parts one after the other to a file, and count their rows."""
    waiting, num_waiting = list[pa.Table](), 0
    with parquet.ParquetWriter(target, schema) as writer:
        for part in parts:
            table = parquet.read_table(part)
            counts.add(table)
            waiting.append(table)
            num_waiting += len(table)
            if num_waiting >= GROUP_ROWS:
                writer.write_table(_joined(waiting, schema))
                waiting, num_waiting = [], 0
        if waiting:
            writer.write_table(_joined(waiting, schema))


def _joined(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables(tables).replace_schema_metadata(schema.metadata).unify_dictionaries()


def count_result(path: Path) -> Counts:
    """Count the rows of a result."""
    counts = Counts()
    with parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            counts.add(file.read_row_group(group, columns=["label", "abstained"]))
    return counts


def result_document(path: Path) -> dict[str, Any] | None:
    """Return the document in the metadata of a result; None if it is another kind of file."""
    try:
        with library_errors(DataError):
            metadata = parquet.read_schema(path).metadata or {}
        return parse_document(metadata.get(RESULT_KEY.encode(), b""), dict[str, Any])
    except (DataError, ValueError):
        return None


def _as_utf8(name: str) -> str:
    """Escape the bytes of a file name that are not UTF-8, which Parquet cannot hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return escape_unprintable(name)
    return name
