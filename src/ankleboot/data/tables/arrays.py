"""Images as arrays of pixels: NumPy archives and CSV files with a column for each pixel."""

import csv
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import DataError, first_line
from ankleboot.core.files import DAMAGED_ZIP
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.listing import (
    ImageFile,
    ImageListing,
    check_class_names,
    natural_order,
)
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.tables.table import MAX_TABLE_BYTES, find_column

MIN_PIXEL_COLUMNS = 16  # images of 4 x 4 pixels; fewer columns are a table of something else

PAIRS = {
    "train": ("x_train y_train", "train_images train_labels", "images labels", "x y", "data labels",
              "image label", "arr_0 arr_1"),
    "validation": ("x_val y_val", "val_images val_labels", "x_valid y_valid",
                   "x_validation y_validation", "validation_images validation_labels"),
    "test": ("x_test y_test", "test_images test_labels"),
}  # fmt: skip
"""Names of the arrays of images and labels in an archive, in lower case, by split."""


@dataclass(frozen=True)
class ArrayPart:
    """Images (n, height, width) or (n, height, width, 3) and the labels of one split."""

    images: np.ndarray
    labels: Sequence[str]


def list_arrays(
    source: Path, parts: Mapping[str, ArrayPart], layout: str, notes: Sequence[str]
) -> ImageListing:
    """List arrays as images; the name of each is its split and row."""
    images = [
        ImageFile(source, f"{split}/{row}", split, label, content=pixels)
        for split, part in parts.items()
        for row, (pixels, label) in enumerate(zip(part.images, part.labels, strict=True))
    ]
    classes = {split: set(part.labels) for split, part in parts.items()}
    check_class_names(source, classes, "labels of two or more classes")
    return ImageListing(images, natural_order(classes["train"]), layout, notes=tuple(notes))


def read_npz(path: Path) -> tuple[dict[str, ArrayPart], list[str]]:
    """Read a NumPy archive with images and labels, such as x_train, y_train, x_test, y_test.

    Raises:
        DataError: If it is damaged, too large, holds objects, or no such pair of arrays.
    """
    notes: list[str] = []
    try:
        with zipfile.ZipFile(path) as archive:
            if (size := sum(info.file_size for info in archive.infolist())) > MAX_TABLE_BYTES:
                raise DataError(f"{path}: {size >> 30} GiB, allowed are {MAX_TABLE_BYTES >> 30}")
        with np.load(path, allow_pickle=False) as arrays:
            names = {name.lower(): name for name in arrays.files}
            parts = {}
            for split, pairs in PAIRS.items():
                pair = next((p.split() for p in pairs if set(p.split()) <= names.keys()), None)
                if pair:
                    images, labels = (arrays[names[name]] for name in pair)
                    where = f"{path}: {names[pair[0]]}"
                    parts[split] = ArrayPart(
                        _pixels(images, where, notes), _labels(labels, where, notes)
                    )
                    _check_lengths(parts[split], where)
    except DAMAGED_ZIP as error:
        raise DataError(f"{path}: damaged, or arrays of objects ({first_line(error)})") from error
    if "train" not in parts:
        found = ", ".join(names.values()) or "none"
        raise DataError(
            f"{path}: expected arrays x_train and y_train (and x_test, y_test), or images and "
            f"labels; it has {found}"
        )
    return parts, list(dict.fromkeys(notes))


def _check_lengths(part: ArrayPart, where: str) -> None:
    if len(part.images) != len(part.labels):
        raise DataError(f"{where}: {len(part.images):,} images but {len(part.labels):,} labels")


def _pixels(images: np.ndarray, where: str, notes: list[str]) -> np.ndarray:
    """Return images as uint8 in one of the two shapes of `ArrayPart`."""
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim == 2:  # one row of pixels for each image
        images = images.reshape(len(images), *_shape(images.shape[1], where))
    if images.ndim != 3 and not (images.ndim == 4 and images.shape[-1] == 3):
        raise DataError(
            f"{where}: shape {images.shape}; expected (n, height, width), with 1 or 3 channels last"
        )
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.number) or not images.size:
        raise DataError(f"{where}: expected numbers from 0 to 255, got {images.dtype}")
    low, high = float(images.min()), float(images.max())
    is_unit = np.issubdtype(images.dtype, np.floating) and high <= 1
    if not (0 <= low and high <= 255):  # also where a number is not finite
        raise DataError(f"{where}: values from {low:g} to {high:g}; expected 0 to 255 or 0 to 1")
    if is_unit:
        notes.append("values from 0 to 1, multiplied by 255")
    scaled: np.ndarray = np.rint(images * 255.0 if is_unit else images).astype(np.uint8)
    return scaled


def _shape(num_pixels: int, where: str) -> tuple[int, ...]:
    """Return the shape of a square image with so many values, gray or RGB."""
    for channels in ((), (3,)):
        side, rest = math.isqrt(num_pixels // math.prod(channels)), math.prod(channels)
        if side * side * rest == num_pixels:
            return (side, side, *channels)
    raise DataError(f"{where}: {num_pixels:,} pixels are no square, gray or of three colors")


def _labels(labels: np.ndarray, where: str, notes: list[str]) -> list[str]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2:
        if not ((labels == 0) | (labels == 1)).all() or not (labels.sum(axis=1) == 1).all():
            raise DataError(f"{where}: labels of shape {labels.shape}; expected one for each image")
        notes.append("labels are one-hot rows")
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise DataError(f"{where}: labels of shape {labels.shape}; expected one for each image")
    return [_label(value) for value in labels.tolist()]


def _label(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return escape_unprintable(str(value).strip())


def pixel_columns(header: Sequence[str]) -> list[int] | None:
    """Return the places of the columns of pixels; None if a CSV file has other columns.

    They are called pixel0 or pixel1 and so on, 1x1 to 28x28, or bare numbers without a header.
    """
    name = re.compile(r"(pixel|px|p)[ _-]?\d+|\d+\s*x\s*\d+|\d+", re.IGNORECASE)
    places = [i for i, text in enumerate(header) if name.fullmatch(text.strip())]
    if has_no_header(header):
        return places[1:]  # the first one is the label
    return places if len(places) >= MIN_PIXEL_COLUMNS else None


def has_no_header(fields: Sequence[str]) -> bool:
    """Check if the first row of a CSV file holds a label and pixels already."""
    values = [text.strip() for text in fields]
    is_data = len(values) > MIN_PIXEL_COLUMNS and all(text.isdecimal() for text in values)
    # numbers as column names, as pandas writes them, count upwards by one
    return is_data and len(set(values)) < len(values)


def read_pixel_csv(path: Path, header: Sequence[str], delimiter: str) -> ArrayPart | None:
    """Read a CSV file with a column for each pixel; None if it has no labels.

    Raises:
        DataError: If a value is no number from 0 to 255, or the rows differ in length.
    """
    pixels = pixel_columns(header) or []
    bare = has_no_header(header)
    others = [i for i in range(len(header)) if i not in set(pixels)]
    label = find_column([header[i] for i in others], "label")
    if not bare and label is None:
        if others:
            names = join_names([header[i] for i in others])
            raise DataError(f"{path}: expected a column label beside the pixels, found {names}")
        return None
    place = 0 if bare or label is None else header.index(label)
    skipped = 0 if bare else 1
    try:
        values = np.loadtxt(
            path, np.int16, delimiter=delimiter, skiprows=skipped, usecols=pixels, ndmin=2,
            encoding="utf-8-sig",
        )  # fmt: skip
        labels = _text_column(path, place, delimiter, skipped)
    except (ValueError, OSError, csv.Error) as error:
        raise DataError(
            f"{path}: expected a label and whole numbers from 0 to 255 ({first_line(error)})"
        ) from error
    images = _pixels(values, str(path), [])
    part = ArrayPart(images, [_label(value) for value in labels])
    _check_lengths(part, str(path))
    return part


def _text_column(path: Path, place: int, delimiter: str, skipped: int) -> list[str]:
    """Read one column; a line is split no further than that."""
    with path.open(encoding="utf-8-sig") as lines:
        rows = [line.split(delimiter, place + 1) for line in lines if line.strip()][skipped:]
    return [row[place].strip().strip('"') for row in rows]
