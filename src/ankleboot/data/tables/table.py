"""Tables with a column for each meaning: path, label, split and group."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ankleboot.core.errors import DataError, first_line
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.preprocessing.image_formats import SUFFIXES

MAX_TABLE_BYTES = 8 * 2**30
MAX_ROWS = 20_000_000
SNIFFED_CHARS = 20_000  # of a CSV file, to find its delimiter

SYNONYMS = {
    "path": "path file filename file_name filepath file_path image image_path image_name "
    "image_file image_id img img_path img_name id_code id",
    "label": "label labels class class_name class_id classname category target y species",
    "split": "split set subset partition part usage",
    "group": "group groups group_id",
}
"""Names of the columns in lower case, by their meaning; the first that a table has is taken."""

EXPECTED = "columns path and label, optionally split and group"


@dataclass(frozen=True)
class Table:
    """Columns of a file by name; `class_names` has the names of labels that are numbers."""

    path: Path
    columns: dict[str, Sequence[Any]]
    class_names: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def find(self, meaning: str) -> str | None:
        """Return the name of the column with a meaning, a key of `SYNONYMS`."""
        return find_column(self.columns, meaning)


def find_column(names: Sequence[str] | dict[str, Any], meaning: str) -> str | None:
    """Return the name among `names` that has a meaning."""
    known = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in names}
    return next((known[name] for name in SYNONYMS[meaning].split() if name in known), None)


def required_columns(table: Table) -> tuple[str, str]:
    """Return the names of the columns of paths and labels.

    Of a table with two columns the first is taken for the path if no name says so.

    Raises:
        DataError: If there are none.
    """
    names = list(table.columns)
    path, label = table.find("path"), table.find("label")
    if len(names) == 2 and (path is None or label is None):
        path = path or next(name for name in names if name != label)
        label = label or next(name for name in names if name != path)
        table.notes.append(f"column {path!r} taken as the path, column {label!r} as the label")
    if path is None or label is None:
        raise DataError(
            f"{table.path}: expected {EXPECTED}; the columns are {join_names(names) or 'none'}"
        )
    return path, label


def read_text(path: Path) -> tuple[str, str]:
    """Read a text file; return it and the name of its encoding.

    Raises:
        DataError: If it cannot be read or is too large.
    """
    try:
        if (size := path.stat().st_size) > MAX_TABLE_BYTES:
            raise DataError(f"{path}: {size >> 30} GiB, allowed are {MAX_TABLE_BYTES >> 30}")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig"]
    for encoding in (*encodings, "cp1252"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path}: not a text file in UTF-8, UTF-16 or Windows-1252")


def read_csv(path: Path) -> Table:
    """Read a CSV file with a header; the delimiter may be a comma, semicolon, tab, bar or blank.

    Raises:
        DataError: If it has no rows, or a row has another number of fields than the header.
    """
    text, encoding = read_text(path)
    delimiter = find_delimiter(text)
    csv.field_size_limit(2**27)
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row
        ]
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file ({first_line(error)})") from error
    if len(rows) < 2 and not (rows and _names_without_header(rows[0])):
        raise DataError(f"{path}: no rows below a header; expected {EXPECTED}")
    if len(rows) > MAX_ROWS:
        raise DataError(f"{path}: {len(rows):,} rows, allowed are {MAX_ROWS:,}")
    notes = [] if encoding != "cp1252" else ["read as Windows-1252, as it is not UTF-8"]
    if names := _names_without_header(rows[0]):
        notes.append(f"no header; the columns are taken as {' and '.join(names)}")
        rows.insert(0, names)
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise DataError(f"{path}: a column name occurs twice: {join_names(header)}")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise DataError(f"{path}: row {number} has {len(row)} fields, the header {len(header)}")
    values = zip(*rows[1:], strict=True)
    columns: dict[str, Sequence[Any]] = dict(zip(header, values, strict=True))
    return Table(path, columns, notes=notes)


def _names_without_header(fields: list[str]) -> list[str] | None:
    """Return the names of two columns whose first row names an image already."""
    are_images = [Path(text.strip()).suffix.lower() in SUFFIXES for text in fields]
    if len(fields) != 2 or sum(are_images) != 1:
        return None
    return ["path" if is_image else "label" for is_image in are_images]


def find_delimiter(text: str) -> str:
    """Return the delimiter that occurs most often in the first line; a blank if there is none."""
    line = text[:SNIFFED_CHARS].partition("\n")[0].strip()
    delimiter = max(",;\t|", key=line.count)
    return " " if " " in line and delimiter not in line else delimiter


def read_json_lines(path: Path) -> Table:
    """Read a file with one JSON object a line.

    Raises:
        DataError: If a line is none, or there are no lines.
    """
    text, _ = read_text(path)
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}: line {number} is no JSON ({first_line(error)})") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}: line {number} is no JSON object")
        rows.append(row)
    if not rows:
        raise DataError(f"{path}: no lines; expected {EXPECTED}")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Table(path, {name: [row.get(name) for row in rows] for name in names})
