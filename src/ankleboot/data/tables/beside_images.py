"""Tables and archives that lie beside images: whether they are about these images."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.listing import ImageListing, natural_order
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.scan import scan_folder
from ankleboot.data.image_folder.split_names import SPLIT_NAMES
from ankleboot.data.preprocessing.image_formats import SUFFIXES
from ankleboot.data.tables.columns import says_splits
from ankleboot.data.tables.file_splits import files_beside
from ankleboot.data.tables.table import required_columns
from ankleboot.data.tables.table_files import METADATA, read_table
from ankleboot.data.tables.unread_kinds import kind_of
from ankleboot.data.walk import walk

FOUND = 0.5  # share of a table's rows that name images here; the others may be missing
COVERED = 0.9  # share of the images that a table lists, if it replaces folders of classes
DATA_SUFFIXES = frozenset(
    ".csv .tsv .jsonl .json .parquet .npz .npy .zip .tar .gz .tgz .arrow .pkl .h5 .mat".split()
)


@dataclass(frozen=True)
class ImageTable:
    """A table of which most rows name images in a folder.

    Attributes:
        path: Path to the table.
        has_labels: Whether a column holds two or more labels; else the table cannot be used.
        covers: Whether it lists nearly all images of the folder.
        agrees: Whether each label is the name of a folder that the image is in.
        has_more: Whether it says more than folders of classes: splits or groups.
    """

    path: Path
    has_labels: bool
    covers: bool = False
    agrees: bool = False
    has_more: bool = False


def images_below(folder: Path) -> list[Path]:
    """List the image files in a folder and below."""
    return [
        entry.path
        for entry in walk(folder)
        if entry.kind == "file" and entry.path.suffix.lower() in SUFFIXES
    ]


def scan_classes(folder: Path) -> ImageListing:
    """Understand folders of classes; where there are no images, say what else is there."""
    try:
        return scan_folder(folder)
    except DataError:
        entries = [] if images_below(folder) else list(walk(folder))
        for entry in entries:
            if entry.kind == "file" and (kind := kind_of(entry.path)):
                raise DataError(
                    f"{folder}: no images; {escape_unprintable(str(entry.name))} is {kind[0]}, "
                    f"which is not read; {kind[1]}"
                ) from None
        raise


def examine(path: Path, folder: Path, images: Sequence[Path]) -> ImageTable | None:
    """Compare a table with the images of a folder; None if it is about something else."""
    try:
        table = read_table(path)
        column = table.find("path")
        label = None
        if column is None or table.find("label") or len(table.columns) == 2:
            column, label = required_columns(table)
    except (DataError, EnvironmentFailure):
        return None
    index: dict[str, list[Path]] = {}
    for image in images:
        for name in {image.name.lower(), image.stem.lower()}:
            index.setdefault(name, []).append(image)
    values = table.columns[column]
    if path.suffix.lower() == ".txt" and not any(_has_suffix(value) for value in values):
        return None  # names of classes, or a text
    found = [_find(value, index) for value in values]
    if sum(map(bool, found)) < max(1, FOUND * len(found)):
        return None
    listed = {place for places in found for place in places}
    covers = len(listed) >= COVERED * len(images)
    labels = [str(value).strip() for value in table.columns[label]] if label else []
    if len(set(labels)) < 2:  # also a form to fill in, as sample_submission.csv
        return ImageTable(path, False, covers)
    agrees = all(
        any(text in place.relative_to(folder).parts for place in places)
        for text, places in zip(labels, found, strict=True)
        if places
    )
    has_more = says_splits(table) or table.find("group") is not None
    return ImageTable(path, True, covers, agrees, has_more)


def _has_suffix(value: Any) -> bool:
    return PurePosixPath(str(value).strip()).suffix.lower() in SUFFIXES


def _find(value: Any, index: dict[str, list[Path]]) -> list[Path]:
    text = (value.get("path") if isinstance(value, dict) else value) or ""
    name = PurePosixPath(str(text).strip().replace("\\", "/")).name.lower()
    return index.get(name, [])


def choose(
    folder: Path, tables: Sequence[ImageTable], scanned: ImageListing | DataError
) -> tuple[Path | None, list[str]]:
    """Return the table that lists the images of a folder, or None for its folders; and notes.

    Args:
        folder: Folder of the images and the tables.
        tables: Those that list images of the folder, for training.
        scanned: What its folders were understood as, or why they were not.

    Raises:
        DataError: If several tables list the images, or one contradicts the folders.
    """
    labeled = [table for table in tables if table.has_labels]
    notes = [
        f"{table.path.name}: lists these images, but has no two labels in a column label; not used"
        for table in tables
        if not table.has_labels
    ]
    classes = () if isinstance(scanned, DataError) else scanned.class_names
    has_classes = len(classes) > 1
    if not labeled:
        _refuse_parts(folder, tables, classes)
    if has_classes and all(t.agrees and not (t.has_more and t.covers) for t in labeled):
        same = [f"{table.path.name}: has the labels of the folders; not used" for table in labeled]
        return None, notes + same
    if not labeled:
        return None, notes
    table = _only(folder, labeled)
    shown = join_names(list(classes))
    if has_classes and not (table.agrees or table.covers or table.path.name in METADATA):
        raise DataError(
            f"{folder}: {table.path.name} labels some of the images otherwise than their folders "
            f"({shown}) do; name it with --data {table.path}, or move it out of the folder"
        )
    contradicts = has_classes and not table.agrees
    rest = f"; its labels count, not the folders ({shown})" if contradicts else ""
    return table.path, [f"read from {table.path.name} in it{rest}"]


def _only(folder: Path, tables: Sequence[ImageTable]) -> ImageTable:
    """Return the only table, or the only one that is called metadata."""
    metadata = [table for table in tables if table.path.name in METADATA]
    tables = metadata or tables
    if len(tables) > 1:
        names = join_names([table.path.name for table in tables])
        raise DataError(f"{folder}: several tables ({names}); name one of them with --data")
    return tables[0]


def _refuse_parts(folder: Path, tables: Sequence[ImageTable], classes: Sequence[str]) -> None:
    """Refuse part_1 and part_2 as classes beside a table of their images; bare numbers may be."""
    words = {re.sub(r"\d+", "", name) for name in classes}
    are_parts = len(classes) > 1 and len(words) == 1 and words != {""}
    if are_parts and (covering := [table for table in tables if table.covers]):
        raise DataError(
            f"{folder}: the folders ({join_names(list(classes))}) differ by a number alone, and "
            f"{covering[0].path.name} lists the images; if it holds the labels, call their column "
            "label; else move it out of the folder"
        )


def note_unused(folder: Path, listing: ImageListing, used: Iterable[Path]) -> list[str]:
    """Name the images and the files of data in a folder that nothing was read from."""
    known = {os.path.realpath(path) for path in used}
    known |= {os.path.realpath(path) for path in {image.path for image in listing.images}}
    rest = [
        entry
        for entry in walk(folder)
        if entry.kind == "file" and os.path.realpath(entry.path) not in known
    ]
    kinds = {"images that are not listed, left out": SUFFIXES, "files not used": DATA_SUFFIXES}
    notes = []
    for text, suffixes in kinds.items():
        names = [e.name.as_posix() for e in rest if e.path.suffix.lower() in suffixes]
        if names:
            shown = join_names(list(map(escape_unprintable, natural_order(names))))
            notes.append(f"{text}: {len(names):,} ({shown})")
    return notes


def note_splits_beside(path: Path, used: Iterable[Path]) -> list[str]:
    """Name the files beside a file that are of another split by name, and were not read."""
    known = {file.name for file in used}
    names = [
        escape_unprintable(file.name)
        for file in files_beside(path)
        if file.name not in known
        and file.suffix.lower() in DATA_SUFFIXES
        and {SPLIT_NAMES.get(word) for word in re.split(r"[\W_]+", file.stem.lower())}
        & {"validation", "test"}
        and file.is_file()
    ]
    return [f"beside it, not used: {join_names(names)}"] if names else []
