"""Groups of images that a split keeps on one side, from a CSV file with columns path and group."""

import os
from dataclasses import replace
from pathlib import Path

from ankleboot.core.errors import DataError
from ankleboot.core.text import counted
from ankleboot.data.image_folder.listing import ImageListing
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.tables.columns import read_groups, text_of
from ankleboot.data.tables.table import read_csv


def read_group_rows(path: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the path and the group in each row of a file, and notes about its columns.

    Raises:
        DataError: If the file lacks a column.
    """
    table = read_csv(path)
    notes: list[str] = []
    path_column = table.find("path")
    group_column, values = read_groups(table, [path_column or ""], notes)
    if path_column is None or not group_column:
        names = join_names(list(table.columns))
        raise DataError(f"{path}: expected columns path and group; the columns are {names}")
    rows = [
        (text_of(name).replace("\\", "/"), group)
        for name, group in zip(table.columns[path_column], values, strict=True)
    ]
    return rows, notes


def add_groups(listing: ImageListing, path: Path, root: Path) -> ImageListing:
    """Give the images of a listing the groups of a file; images that it leaves out have none.

    Paths are those in the data set, or lead to the images from the folder of the file.

    Raises:
        DataError: If the file lacks a column, or names images that are not in the data set, or
            one image twice.
    """
    rows, notes = read_group_rows(path)
    by_name = {image.name: i for i, image in enumerate(listing.images)}
    by_path = {os.path.abspath(image.path): i for i, image in enumerate(listing.images)}
    groups: dict[int, str] = {}
    unknown, repeated = [], []
    for name, group in rows:
        places = [os.path.abspath(folder / name) for folder in (root, path.parent)]
        index = by_name.get(name, next((by_path[p] for p in places if p in by_path), None))
        if index is None:
            unknown.append(name)
        elif groups.setdefault(index, group) != group:
            repeated.append(name)
    if unknown or repeated:
        fault = "not in the data" if unknown else "in two groups"
        faulty = unknown or repeated
        are = counted(len(faulty), "image is", "images are")
        raise DataError(f"{path}: {are} {fault}: {join_names(faulty)}")
    images = [replace(im, group=groups.get(i, im.group)) for i, im in enumerate(listing.images)]
    missing = sum(not image.group and image.split != "test" for image in images)
    note = f"{path.name}: {counted(len(set(groups.values())), 'group')}"
    note += f"; images without a group: {missing:,}" if missing else ""
    return replace(listing, images=images, notes=(*listing.notes, *notes, note))
