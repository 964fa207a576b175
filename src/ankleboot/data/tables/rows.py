"""Rows of a table as images: the path or the bytes, the label, the split and the group of each."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ankleboot.core.errors import DataError
from ankleboot.data.image_folder.listing import (
    ImageFile,
    ImageListing,
    check_class_names,
    natural_order,
)
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import split_of
from ankleboot.data.label_file import COLUMNS
from ankleboot.data.tables.columns import (
    label_of,
    note_unused,
    read_groups,
    read_splits,
    text_of,
)
from ankleboot.data.tables.image_paths import ImagePaths, find_images
from ankleboot.data.tables.table import EXPECTED, Table, required_columns


@dataclass(frozen=True)
class Part:
    """A table and the split of its rows; "" if a column or the paths say it.

    `within` is a folder that paths may not leave; None for a table that the user wrote.
    """

    table: Table
    split: str = ""
    within: Path | None = None


def list_rows(source: Path, parts: Sequence[Part]) -> ImageListing:
    """List the images of tables, which may be files by path or bytes.

    Raises:
        DataError: If a column is missing, or a path, split or label cannot be understood.
    """
    images: list[ImageFile] = []
    notes: list[str] = []
    texts: list[str] = []
    names: tuple[str, ...] = ()
    for part in parts:
        images += _images(source, part, notes)
        names = names or part.table.class_names
        columns = ", ".join(part.table.columns)
        texts.append(f"{part.table.path.name}: {len(part.table):,} rows ({columns})")
    unique = list(dict.fromkeys(images))
    if len(unique) < len(images):
        notes.append(f"rows that repeat another one, left out: {len(images) - len(unique):,}")
    classes: dict[str, set[str]] = defaultdict(set)
    for image in unique:
        classes[image.split].add(image.class_name)
    check_class_names(source, classes, EXPECTED)
    notes += _doubtful_labels(set().union(*classes.values()))
    trained = classes["train"]
    ordered = tuple(name for name in names if name in trained) or natural_order(trained)
    return ImageListing(unique, ordered, "; ".join(texts), notes=tuple(notes))


def _doubtful_labels(names: set[str]) -> list[str]:
    """Return notes on labels such as cat|dog beside cat and dog, and on measurements."""
    ordered, notes = natural_order(names), []
    joined = [
        name
        for name in ordered
        if (set(re.split(r"[\s|;,+&/]+", name)) <= names - {name})
        or (set(re.split("[|;]", name)) & (names - {name}))
    ]
    if joined:
        notes.append(f"labels that join others, each taken as a class: {join_names(joined)}")
    if names and all(re.fullmatch(r"-?\d*\.\d*[1-9]\d*", name) for name in names):
        notes.append(f"labels with fractions, such as {ordered[0]}, each taken as a class")
    return notes


def _images(source: Path, part: Part, notes: list[str]) -> list[ImageFile]:
    table = part.table
    path_column, label_column = required_columns(table)
    notes += table.notes
    values = table.columns[path_column]
    names = [_name(value, row, part) for row, value in enumerate(values)]
    labels = _labels(table, label_column)
    used = [path_column, label_column]
    groups = _groups(table, used, notes)
    splits = _splits(part, names, used, notes)
    note_unused(table, used, notes)
    latest = _rows_that_count(table, names)
    rows = [row for row in latest if labels[row]]
    contents = {row: _bytes(values[row]) for row in rows}
    files = {row: names[row] for row in rows if contents[row] is None}
    paths = _paths(source, part, files, splits, notes)
    if num_unlabeled := len(latest) - len(rows):
        notes.append(f"{table.path.name}: rows without a label, left out: {num_unlabeled:,}")
    return [
        ImageFile(
            paths.get(row, table.path),
            names[row],
            splits[row] or "train",
            labels[row],
            groups[row],
            content=contents[row],
        )
        for row in rows
    ]


def _rows_that_count(table: Table, names: Sequence[str]) -> list[int]:
    """Return all rows; of a label file's rows about an image the last one."""
    if tuple(table.columns) == COLUMNS:
        return sorted({name: row for row, name in enumerate(names)}.values())
    return list(range(len(table)))


def _labels(table: Table, column: str) -> list[str]:
    return [
        label_of(value, table.class_names, f"{table.path}: {table.place(row)}")
        for row, value in enumerate(table.columns[column])
    ]


def _bytes(value: Any) -> bytes | None:
    """Return the bytes of an image in a Parquet file, as Hugging Face writes them or bare."""
    content = value.get("bytes") if isinstance(value, dict) else value
    return content if isinstance(content, bytes) else None


def _name(value: Any, row: int, part: Part) -> str:
    table = part.table
    split = f"{part.split}/" if part.split else ""
    if _bytes(value) is not None:
        return f"{split}{table.path.name}:{row}"
    path = value.get("path") if isinstance(value, dict) else value
    if isinstance(path, (list, dict)):
        raise DataError(
            f"{table.path}: {table.place(row)}: expected the path or the bytes of an image, got a "
            f"{type(path).__name__} of {len(path):,}"
        )
    text = text_of(path)
    if not text:
        raise DataError(f"{table.path}: {table.place(row)} has no path")
    return text


def _groups(table: Table, used: list[str], notes: list[str]) -> list[str]:
    column, groups = read_groups(table, used, notes)
    used += [column] if column else []
    return groups


def _splits(part: Part, names: Sequence[str], used: list[str], notes: list[str]) -> list[str]:
    """Return the split of each row: of the file, of columns, or of a folder in its path."""
    table = part.table
    if part.split:
        return [part.split] * len(table)
    columns, splits = read_splits(table, used, notes)
    used += columns
    return splits or _splits_of_folders(table, names, notes)


def _splits_of_folders(table: Table, names: Sequence[str], notes: list[str]) -> list[str]:
    """Return the splits by the first folders in the paths that all name one; "" for none."""
    nothing = [""] * len(table)
    folders = [PurePosixPath(name.replace("\\", "/")).parts[:-1] for name in names]
    for level in zip(*folders, strict=False):  # as deep as the shortest path
        meanings = {folder: split_of(folder) for folder in dict.fromkeys(level)}
        named = [folder for folder, split in meanings.items() if split]
        if "train" not in meanings.values() or len(meanings) < 2:
            continue
        if len(named) == len(meanings):
            notes.append(f"splits taken from the folders in the paths: {join_names(named)}")
            return [meanings[folder] or "" for folder in level]
        notes.append(
            f"{table.path.name}: {join_names(named)} in the paths not taken as splits, as other "
            "paths have no split there"
        )
        break
    return nothing


def _paths(
    source: Path, part: Part, files: dict[int, str], splits: Sequence[str], notes: list[str]
) -> dict[int, Path]:
    """Return the files that rows name."""
    table, within = part.table, part.within
    of_table = split_of(next(filter(None, re.split(r"[\W_]+|(?=[A-Z])", table.path.stem)), ""))
    known = [splits[row] or of_table or "" for row in files]
    rows, names = list(files), list(files.values())
    finder = ImagePaths(table.path.parent, names)
    found, found_notes = find_images(
        finder, names, known, lambda i: f"{table.path}: {table.place(rows[i])}"
    )
    notes += found_notes
    for row, path in zip(rows, found, strict=True):
        is_named = "\0" not in files[row]
        if within and is_named and within not in path.resolve().parents:
            raise DataError(f"{source}: {table.place(row)} names a file outside: {files[row]!a}")
    return dict(zip(rows, found, strict=True))
