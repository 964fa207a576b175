"""Layouts of CSV files: what people and programs put around the rows, or leave out."""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import PurePath
from typing import Any

from ankleboot.data.image_folder.split_names import split_of
from ankleboot.data.preprocessing.image_formats import SUFFIXES

COMMENT = re.compile(r"\s*#[^\n]*\n")
EXCEL_DELIMITER = re.compile(r"\s*sep=(.)\s*\n", re.IGNORECASE)


def split_preamble(text: str) -> tuple[str, int, str]:
    """Return the text below comments and Excel's line sep=;, their number, and the delimiter.

    The delimiter is "" if no line says it.
    """
    num_lines, delimiter = 0, ""
    while match := COMMENT.match(text) or EXCEL_DELIMITER.match(text):
        delimiter = delimiter or (match[1] if match.re is EXCEL_DELIMITER else "")
        num_lines += match[0].count("\n")
        text = text[match.end() :]
    return text, num_lines, delimiter


def without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    """Cut the fields that delimiters at the end of lines make: those without name and content."""
    width = len(rows[0])
    while width and not rows[0][width - 1].strip():
        width -= 1
    return [row[:width] if not any(map(str.strip, row[width:])) else row for row in rows]


def join_blanks(rows: list[list[str]]) -> list[list[str]]:
    """Join paths that blanks in them have divided, in lists of a path and a label."""
    if all(len(row) <= 2 for row in rows):
        return rows
    if all(len(row) > 1 and is_image_name(row[-2]) for row in rows):
        return [[" ".join(row[:-1]), row[-1]] for row in rows]
    if all(len(row) > 1 and is_image_name(row[-1]) for row in rows):
        return [[row[0], " ".join(row[1:])] for row in rows]
    return rows


def names_without_header(rows: Sequence[Sequence[str]], *, has_known: bool) -> list[str] | None:
    """Return the names of columns whose first row is an image already; None if it is a header.

    It is an image if a field has the suffix of one. Of two fields without, of which none is a known
    name (`has_known`), one is a label that occurs again below it, as names of columns do not.
    """
    first = [text.strip() for text in rows[0]]
    columns = [[text.strip() for text in column] for column in zip_longest(*rows, fillvalue="")]
    images = [i for i, text in enumerate(first) if is_image_name(text)]
    if not images and len(first) == 2 and not has_known:
        path = max((0, 1), key=lambda i: len(set(columns[i])))
        is_label = first[1 - path] in columns[1 - path][1:]
        is_path = first[path] not in columns[path][1:] and not any(
            map(is_image_name, columns[path])
        )
        images = [path] if is_label and is_path else []
    if len(images) != 1:
        return None
    names = {images[0]: "path"}
    others = [i for i in range(len(first)) if i not in names]
    if splits := [i for i in others if len(others) > 1 and all(map(split_of, columns[i]))]:
        names[splits[0]] = "split"
        others.remove(splits[0])
    if len(others) != 1:
        return None
    names[others[0]] = "label"
    return [names[i] for i in range(len(first))]


def is_image_name(text: str) -> bool:
    """Check if a text has the suffix of an image."""
    return PurePath(text).suffix.lower() in SUFFIXES


def one_hot_labels(columns: Mapping[str, Sequence[Any]]) -> list[list[str]] | None:
    """Return the classes of each row whose columns hold 1 for its class and 0 for others.

    None if a column holds something else, or there are fewer than two.
    """
    texts = {name: [str(value).strip() for value in values] for name, values in columns.items()}
    if len(texts) < 2 or any(set(values) - {"0", "1", "0.0", "1.0"} for values in texts.values()):
        return None
    marks = zip(*texts.values(), strict=True)
    return [
        [name for name, mark in zip(texts, row, strict=True) if mark[0] == "1"] for row in marks
    ]
