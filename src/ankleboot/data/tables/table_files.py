"""Listings of tables: their shards, those of the other splits, and those in folders of splits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ankleboot.core.errors import DataError
from ankleboot.data.image_folder.listing import ImageListing
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import split_of
from ankleboot.data.tables.columns import says_splits
from ankleboot.data.tables.file_splits import check_shards, files_of_splits, split_of_file
from ankleboot.data.tables.label_names import name_labels
from ankleboot.data.tables.parquet import read_parquet
from ankleboot.data.tables.rows import Part, list_rows
from ankleboot.data.tables.table import Table, read_csv, read_json_lines

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Tables that Hugging Face's imagefolder keeps beside the images."""


def read_table(path: Path) -> Table:
    """Read a table by its suffix."""
    readers = {".jsonl": read_json_lines, ".parquet": read_parquet}
    return readers.get(path.suffix.lower(), read_csv)(path)


def list_table(path: Path, within: Path | None) -> tuple[ImageListing, list[Path]]:
    """Read a table, its shards, and those of the other splits beside it; return their paths too."""
    table = read_table(path)
    has_splits, is_alone = says_splits(table), split_of_file(path) != "train"
    parts, notes, used = [], [], []
    for split, files in files_of_splits(path).items():
        for file in files:
            used.append(file)
            if split != "train" and has_splits:
                notes.append(f"{file.name}: not used, as {path.name} has a column of splits")
                continue
            other = table if file == path else read_table(file)
            is_labeled = other.find("label") or list(other.columns) == list(table.columns)
            if split != "train" and not is_labeled:
                notes.append(f"{file.name}: images without labels, left out")
                continue
            parts.append(Part(other, "" if is_alone or has_splits else split, within))
            if file != path:
                notes.append(f"{split} images from {file.name}")
    listing = name_labels(list_rows(path, parts), path)
    return replace(listing, notes=(*notes, *listing.notes)), used


def list_parquet(folder: Path, files: Sequence[Path], within: Path | None) -> ImageListing:
    """Read Parquet files, each of a split that its name or its folder says.

    Raises:
        DataError: If a shard is missing, or of several files one says no split.
    """
    check_shards(files)
    parts = []
    for file in files:
        inner = (split_of(file.parent.name) or "") if file.parent != folder else ""
        split = split_of_file(file) or inner
        if len(files) > 1 and not split:
            raise DataError(
                f"{file}: several Parquet files; their names must begin with train, validation "
                "or test"
            )
        parts.append(Part(read_table(file), split, within))
    return list_rows(folder, parts)


def deep_parquet(folder: Path) -> list[Path]:
    """Find Parquet files in folders of splits, as default/train/0000.parquet.

    Raises:
        DataError: If several folders hold such splits.
    """
    paths = sorted((*folder.glob("*/*.parquet"), *folder.glob("*/*/*.parquet")))
    files = [path for path in paths if split_of(path.parent.name) or split_of_file(path)]
    places = {f.parent.parent if split_of(f.parent.name) else f.parent for f in files}
    if len(places) > 1:
        names = join_names(sorted(place.name for place in places))
        raise DataError(f"{folder}: several data sets ({names}); name one of them with --data")
    return files


def list_split_tables(
    folder: Path, within: Path | None, names: Sequence[str] = METADATA
) -> tuple[ImageListing, list[Path]] | None:
    """Read the tables in the folders of splits, if they hold labels.

    Args:
        folder: Folder of the folders; a table in itself is of all splits.
        within: Folder that paths may not leave.
        names: Names of the tables; () for the only one in each folder.
    """
    inner = [path for path in sorted(folder.iterdir()) if path.is_dir() and split_of(path.name)]
    if names:
        paths = [path / name for path in (folder, *inner) for name in names]
        files = [path for path in paths if path.is_file()]
    else:
        tables = [sorted(p for p in i.iterdir() if p.suffix in TABLE_SUFFIXES) for i in inner]
        files = [paths[0] for paths in tables if len(paths) == 1]
    if not any(file.parent != folder for file in files):
        return None
    splits = [split_of(p.parent.name) or "" if p.parent != folder else "" for p in files]
    parts = [Part(read_table(p), s, within) for p, s in zip(files, splits, strict=True)]
    if not all(part.table.find("label") and part.table.find("path") for part in parts):
        return None
    return list_rows(folder, parts), files
