"""Predictions as a Parquet table: a row for each image, in the order of the input."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from ankleboot.core.text import escape_unprintable
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import FailedImage

PARTS_PER_GROUP = 64  # parts of 1,024 rows in a row group of the result, which bounds the memory
NONE_OF_THESE = "none_of_these"
METADATA_KEY = "ankleboot"
FAILED, UNSURE = "", "?"  # beside labels in counts


def result_schema(labels: Sequence[str], document: dict[str, Any]) -> pa.Schema:
    """Return the columns of the result: those of `predict --csv`; `document` becomes metadata."""
    name = pa.dictionary(pa.int32(), pa.string())
    columns = {
        "path": pa.string(),
        "label": name,
        "index": pa.int32(),
        "confidence": pa.float32(),
        "abstained": pa.bool_(),
        "reason": name,
        "error": name,
        **dict.fromkeys((*labels, NONE_OF_THESE), pa.float32()),
    }
    return pa.schema(columns, metadata={METADATA_KEY: json.dumps(document)})


def part_bytes(results: Iterable[Prediction | FailedImage], labels: Sequence[str]) -> bytes:
    """Return the rows of a chunk as the content of a Parquet file."""
    rows = list(results)
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
    schema = result_schema(labels, {})
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({name: columns[name] for name in schema.names}, schema), sink)
    return bytes(sink.getvalue())


def join_parts(parts: Iterable[Path], target: Path, schema: pa.Schema) -> dict[str, int]:
    """Write the parts one after the other to a file; return what was counted.

    Returns:
        Numbers of images by label, by FAILED, and by UNSURE, where no label should be relied on.
    """
    counts: dict[str, int] = {}
    waiting: list[pa.Table] = []
    with parquet.ParquetWriter(target, schema) as writer:
        for part in parts:
            table = parquet.read_table(part)
            waiting.append(table)
            _add(counts, table)
            if len(waiting) == PARTS_PER_GROUP:
                writer.write_table(_joined(waiting, schema))
                waiting = []
        if waiting:
            writer.write_table(_joined(waiting, schema))
    return counts


def count_result(path: Path) -> dict[str, int]:
    """Return what `join_parts` counted when it wrote a file."""
    counts: dict[str, int] = {}
    with parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            _add(counts, file.read_row_group(group, columns=["label", "abstained"]))
    return counts


def result_document(path: Path) -> dict[str, Any] | None:
    """Return the document in the metadata of a result; None if it is another kind of file."""
    try:
        document = json.loads((parquet.read_schema(path).metadata or {})[METADATA_KEY.encode()])
        return document if isinstance(document, dict) else None
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return None


def _joined(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables(tables).replace_schema_metadata(schema.metadata).unify_dictionaries()


def _add(counts: dict[str, int], table: pa.Table) -> None:
    """Add the labels of a table to counts."""
    named = pa.table(
        {"label": table.column("label").cast(pa.string()), "abstained": table.column("abstained")}
    )
    for row in named.group_by(named.column_names).aggregate([([], "count_all")]).to_pylist():
        key = FAILED if row["label"] is None else UNSURE if row["abstained"] else row["label"]
        counts[key] = counts.get(key, 0) + row["count_all"]


def _as_utf8(name: str) -> str:
    """Escape the bytes of a file name that are not UTF-8, which Parquet cannot hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return escape_unprintable(name)
    return name
