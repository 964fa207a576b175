"""Tables with a column for each meaning: path, label, split and group."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ankleboot.core.csv_text import read_cell
from ankleboot.core.errors import DataError, first_line
from ankleboot.core.files import read_bytes, read_failure
from ankleboot.core.git import LFS_POINTER
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import flag_of
from ankleboot.data.tables.csv_layout import (
    is_image_name,
    join_blanks,
    names_without_header,
    one_hot_labels,
    split_preamble,
    without_empty_columns,
)

MAX_TABLE_BYTES = 8 * 2**30
MAX_ROWS = 20_000_000
SNIFFED_CHARS = 20_000  # of a CSV file, to find its delimiter
NUM_EXAMINED = 20  # cells that tell names of images from labels

SYNONYMS = {
    "path": "path file filename filepath image image_path image_name image_file image_id img "
    "img_path img_name id_code id",
    "label": "label class class_name class_id category target y species dx diagnosis",
    "split": "split set subset partition part usage",
    "group": "group group_id",
}
"""Names of the columns by their meaning; the first that a table has is taken.

Case, plural, blanks and underscores do not count.
"""

NO_TABLES = {
    b"<!DOCTYPE": "a web page; download the table itself",
    b"<!doctype": "a web page; download the table itself",
    b"<html": "a web page; download the table itself",
    LFS_POINTER: "a Git LFS pointer in place of the file; run git lfs pull",
}
"""Other content that is saved under the name of a table, by its first bytes."""

EXPECTED = "columns path and label, optionally split and group"


@dataclass(frozen=True)
class Table:
    """Columns of a file by name.

    Attributes:
        class_names: Names of labels that are numbers.
        notes: What reading it left out or assumed.
        lines: Number of each row's last line in a text file.
    """

    path: Path
    columns: dict[str, Sequence[Any]]
    class_names: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    lines: Sequence[int] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def find(self, meaning: str) -> str | None:
        """Return the name of the column with a meaning, a key of `SYNONYMS`."""
        return find_column(self.columns, meaning)

    def place(self, row: int) -> str:
        """Describe a row, counted from 0, for messages."""
        return f"line {self.lines[row]:,}" if self.lines else f"row {row + 1:,}"


def find_column(names: Sequence[str] | dict[str, Any], meaning: str) -> str | None:
    """Return the name among `names` that has a meaning, in any case, also in the plural."""
    known = {_comparable(name): name for name in names}
    words = map(_comparable, SYNONYMS[meaning].split())
    return next((known[word] for word in words if word in known), None)


def _comparable(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower()).removesuffix("s")


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
        _, classes = _classes_by_column(table)
        if several := [row for row, found in enumerate(classes) if len(found) > 1]:
            raise DataError(
                f"{table.path}: {len(several):,} rows have several classes, such as "
                f"{table.place(several[0])} ({join_names(classes[several[0]])}); expected one"
            )
        missing = [m for m, name in (("path", path), ("label", label)) if name is None]
        raise DataError(
            f"{table.path}: expected {EXPECTED}; the columns are {join_names(names) or 'none'}; "
            f"call the column that holds it {' or '.join(map(repr, missing))}"
        )
    if _names_images(table, label) and not _names_images(table, path):
        raise DataError(
            f"{table.path}: column {label!r} holds names of images, and column {path!r} does not; "
            "exchange their names"
        )
    return path, label


def _names_images(table: Table, column: str) -> bool:
    values = table.columns[column][:NUM_EXAMINED]
    return all(isinstance(value, str) and is_image_name(value) for value in values)


def read_table_file(path: Path) -> bytes:
    """Read a file of a data set.

    Raises:
        DataError: If it is too large.
        EnvironmentFailure: If it cannot be read.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise read_failure(path, error) from error
    if size > MAX_TABLE_BYTES:
        raise DataError(f"{path}: {size >> 30} GiB, allowed are {MAX_TABLE_BYTES >> 30}")
    return read_bytes(path)


def read_text(path: Path) -> tuple[str, str]:
    """Read a text file; return it and the name of its encoding.

    Raises:
        DataError: If it is no text or too large.
        EnvironmentFailure: If it cannot be read.
    """
    content = read_table_file(path)
    if what := next((what for head, what in NO_TABLES.items() if content.startswith(head)), None):
        raise DataError(f"{path}: {what}")
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig"]
    for encoding in (*encodings, "cp1252"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path}: not a text file in UTF-8, UTF-16 or Windows-1252")


def read_csv(path: Path) -> Table:
    """Read a CSV file with a header; the delimiter may be a comma, semicolon, tab, bar or blank.

    A column for each class, with 1 for the class of the row, becomes a column of labels.

    Raises:
        DataError: If it has no rows, or a row has another number of fields than the header.
    """
    text, encoding = read_text(path)
    notes = [] if encoding != "cp1252" else ["read as Windows-1252, as it is not UTF-8"]
    rows, lines = _csv_rows(path, text)
    known = rows and (find_column(rows[0], "path") or find_column(rows[0], "label"))
    names = names_without_header(rows, has_known=bool(known)) if rows else None
    if len(rows) < 2 and not names:
        raise DataError(f"{path}: no rows below a header; expected {EXPECTED}")
    if names:
        notes.append(f"no header; the columns are taken as {' and '.join(names)}")
        rows.insert(0, names)
        lines.insert(0, 0)
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise DataError(f"{path}: a column name occurs twice: {join_names(header)}")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise DataError(
                f"{path}: line {line} has {len(row)} fields, the header {len(header)} "
                f"({join_names(header)}); a field that holds the delimiter needs quotes"
            )
    values = zip(*rows[1:], strict=True)
    columns: dict[str, Sequence[Any]] = dict(zip(header, values, strict=True))
    return _join_one_hot(Table(path, columns, notes=notes, lines=lines[1:]))


def _csv_rows(path: Path, text: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not empty, and the number of the last line of each."""
    text, num_skipped, delimiter = split_preamble(text)
    csv.field_size_limit(2**27)
    delimiter = delimiter or find_delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        found = [(row, num_skipped + reader.line_num) for row in reader if any(row)]
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file ({first_line(error)})") from error
    if len(found) > MAX_ROWS:
        raise DataError(f"{path}: {len(found):,} rows, allowed are {MAX_ROWS:,}")
    rows = [row for row, _ in found]
    if "'" in text:
        rows = [[read_cell(cell) for cell in row] for row in rows]
    rows = join_blanks(rows) if delimiter == " " else rows
    return without_empty_columns(rows) if rows else [], [line for _, line in found]


def _join_one_hot(table: Table) -> Table:
    """Make a column of labels from a column for each class, where there is no other."""
    names, classes = _classes_by_column(table)
    if not classes or max(map(len, classes)) > 1:
        return table
    others = {name: values for name, values in table.columns.items() if name not in names}
    note = f"one column for each class, with 1 in that of the row: {join_names(names)}"
    joined = others | {"label": [name for row in classes for name in row or [""]]}
    return replace(table, columns=joined, notes=[*table.notes, note])


def _classes_by_column(table: Table) -> tuple[list[str], list[list[str]]]:
    """Return the columns that stand for classes, and the classes of each row; else nothing."""
    if table.find("label") or not table.find("path"):
        return [], []
    used = {table.find(meaning) for meaning in SYNONYMS}
    names = [name for name in table.columns if name not in used and not flag_of(name)]
    return names, one_hot_labels({name: table.columns[name] for name in names}) or []


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
    lines: list[int] = []
    for number, line in enumerate(re.split("\r\n?|\n", text), 1):  # others may be in a string
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "\\ud" in line.lower():  # half a character, which no file name has
                json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogateescape")
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: line {number} is no JSON ({first_line(error)})") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}: line {number} is no JSON object")
        rows.append(row)
        lines.append(number)
    if not rows:
        raise DataError(f"{path}: no lines; expected {EXPECTED}")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Table(path, {name: [row.get(name) for row in rows] for name in names}, lines=lines)
