"""Rows of a table as images: the path or the bytes, the label, the split and the group of each."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.listing import (
    ImageFile,
    ImageListing,
    check_class_names,
    natural_order,
)
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import SPLIT_NAMES, split_of
from ankleboot.data.label_file import COLUMNS
from ankleboot.data.preprocessing.image_formats import SUFFIXES
from ankleboot.data.tables.table import EXPECTED, Table, required_columns
from ankleboot.data.walk import walk


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
    trained = classes["train"]
    ordered = tuple(name for name in names if name in trained) or natural_order(trained)
    return ImageListing(unique, ordered, "; ".join(texts), notes=tuple(notes))


def _images(source: Path, part: Part, notes: list[str]) -> list[ImageFile]:
    table = part.table
    path_column, label_column = required_columns(table)
    notes += table.notes
    values, labels = table.columns[path_column], table.columns[label_column]
    names = [_name(value, row, part) for row, value in enumerate(values)]
    splits = _splits(part, names, notes)
    groups = table.columns[column] if (column := table.find("group")) else [""] * len(table)
    find = _finder(source, part, notes)
    images, num_unlabeled = [], 0
    is_label_file = tuple(table.columns) == COLUMNS
    last_row = {name: row for row, name in enumerate(names)}
    for row, (value, name) in enumerate(zip(values, names, strict=True)):
        if is_label_file and last_row[name] != row:
            continue  # a later decision counts
        label = _label(labels[row], part)
        if label is None:
            num_unlabeled += 1
            continue
        content = _bytes(value)
        path = table.path if content is not None else find(name, row)
        group = "" if groups[row] is None else str(groups[row]).strip()
        images.append(ImageFile(path, name, splits[row], label, group, content=content))
    if num_unlabeled:
        notes.append(f"{table.path.name}: rows without a label, left out: {num_unlabeled:,}")
    return images


def _bytes(value: Any) -> bytes | None:
    """Return the bytes of an image in a Parquet file, as Hugging Face writes them or bare."""
    content = value.get("bytes") if isinstance(value, dict) else value
    return content if isinstance(content, bytes) else None


def _name(value: Any, row: int, part: Part) -> str:
    split = f"{part.split}/" if part.split else ""
    if _bytes(value) is not None:
        return f"{split}{part.table.path.name}:{row}"
    text = str((value.get("path") if isinstance(value, dict) else value) or "").strip()
    if not text:
        raise DataError(f"{part.table.path}: row {row + 1} has no path")
    return text


def _label(value: Any, part: Part) -> str | None:
    """Return the name of a class; None for a row without a label."""
    names = part.table.class_names
    if names and isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else str(value).strip()
    return escape_unprintable(text) or None


def _splits(part: Part, names: Sequence[str], notes: list[str]) -> list[str]:
    """Return the split of each row: of the table, of its column, or of the folder in its path."""
    table = part.table
    if part.split:
        return [part.split] * len(table)
    if column := table.find("split"):
        values = [str(value or "").strip() for value in table.columns[column]]
        meanings = {value: split_of(value) or "" for value in dict.fromkeys(values)}
        if unknown := [value for value, split in meanings.items() if not split]:
            raise DataError(
                f"{table.path}: column {column!r} has {join_names(list(map(repr, unknown)))}; "
                f"expected {', '.join(SPLIT_NAMES)}"
            )
        return [meanings[value] for value in values]
    tops = [name.replace("\\", "/").split("/")[0] if "/" in name else "" for name in names]
    folders = {top: split_of(top) or "" for top in dict.fromkeys(tops)}
    if "train" in folders.values() and all(folders.values()):
        notes.append(f"splits taken from the folders in the paths: {join_names(list(folders))}")
        return [folders[top] for top in tops]
    return ["train"] * len(table)


def _finder(source: Path, part: Part, notes: list[str]) -> Callable[[str, int], Path]:
    """Return a function that finds the file of a row.

    A name that is no path from the table's folder is looked up among all images below it, with or
    without its suffix.
    """
    folder, within = part.table.path.parent, part.within
    index: dict[str, list[Path]] = {}
    is_noted = False

    def find(name: str, row: int) -> Path:
        nonlocal is_noted
        path = folder / name
        if not path.is_file() and "\\" in name:
            path = folder / name.replace("\\", "/")
        if within and within not in path.resolve().parents:
            raise DataError(f"{source}: row {row + 1} names a file outside: {name!a}")
        if path.is_file() or path.is_symlink():
            return path
        if not index:
            index.update(_index(folder))
        found = index.get(path.name.lower(), [])
        if len(found) > 1:
            raise DataError(
                f"{part.table.path}: row {row + 1} names {name!a}, of which there are "
                f"{len(found)} below {folder}; write paths from that folder"
            )
        if found and not is_noted:
            is_noted = True
            notes.append(f"images found by their names below {folder}, such as {name!a}")
        return found[0] if found else path  # decoding reports a missing file

    return find


def _index(folder: Path) -> dict[str, list[Path]]:
    """List the images below a folder by their names, with and without suffix."""
    index: dict[str, list[Path]] = defaultdict(list)
    for entry in walk(folder):
        if entry.kind == "file" and entry.path.suffix.lower() in SUFFIXES:
            for name in (entry.path.name.lower(), entry.path.stem.lower()):
                index[name].append(entry.path)
    return index or {"": []}
