"""Images as arrays of pixels, and NumPy archives of them."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.boundary import library_errors
from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.listing import (
    SPLIT_ORDER,
    ImageFile,
    ImageListing,
    check_class_names,
    natural_order,
)
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import SPLIT_NAMES
from ankleboot.data.tables.pixels import as_images
from ankleboot.data.tables.table import MAX_TABLE_BYTES

IMAGE_NAMES = tuple("x images image data imgs img pixels features".split())
LABEL_NAMES = tuple("y labels label targets target classes".split())
CLASS_NAMES = frozenset("class_names classes label_names target_names names".split())
"""Names of arrays in lower case, without the word of the split."""


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
    parts: dict[str, ArrayPart] = {}
    with library_errors(lambda why: DataError(f"{path}: damaged, no archive of arrays ({why})")):
        with zipfile.ZipFile(path) as archive:
            if (size := sum(info.file_size for info in archive.infolist())) > MAX_TABLE_BYTES:
                raise DataError(f"{path}: {size >> 30} GiB, allowed are {MAX_TABLE_BYTES >> 30}")
        with np.load(path, allow_pickle=False) as arrays:
            pairs = _pairs(arrays.files)
            for split, pair in pairs.items():
                images, labels = (_array(path, arrays, name) for name in pair)
                parts[split] = _part(images, labels, f"{path}: {pair[0]}", notes)
            used = {name for pair in pairs.values() for name in pair}
            parts = _named(parts, arrays, used, notes)
            unused = [name for name in arrays.files if name not in used]
    if not parts:
        raise DataError(
            f"{path}: expected arrays x_train and y_train (and x_test, y_test), or images and "
            f"labels; it has {join_names(unused) or 'none'}"
        )
    if unused:
        notes.append(f"arrays not used: {join_names(list(map(escape_unprintable, unused)))}")
    return parts, list(dict.fromkeys(notes))


def _array(path: Path, arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    try:
        array = arrays[name]
    except ValueError as error:
        if "pickle" not in str(error).lower():
            raise
        raise DataError(
            f"{path}: {name} is an array of objects, which can run code; save it as numbers or "
            f"text (numpy.stack for images of one size)"
        ) from error
    if not isinstance(array, np.ndarray):  # numpy returns the bytes of any other file
        raise DataError(f"{path}: {name} is no array")
    return array


def _part(images: np.ndarray, labels: np.ndarray, where: str, notes: list[str]) -> ArrayPart:
    texts = _labels(labels, where, notes)
    part = ArrayPart(as_images(images, where, notes, len(texts)), texts)
    check_lengths(part, where)
    return part


def _pairs(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Find the arrays of images and labels of each split by their names.

    Of several names the first in `IMAGE_NAMES` and `LABEL_NAMES` counts.
    """
    found: dict[tuple[str, str], str] = {}
    for name in names:
        words = [word for word in re.split(r"[\W_]+", name.lower()) if word]
        split = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "train")
        kind = "_".join(word for word in words if word not in SPLIT_NAMES)
        found.setdefault((split, kind), name)
    pairs = {}
    for split in SPLIT_ORDER:
        images, labels = (
            next((found[split, kind] for kind in kinds if (split, kind) in found), None)
            for kinds in (IMAGE_NAMES, LABEL_NAMES)
        )
        if images and labels:
            pairs[split] = images, labels
    if not pairs and {"arr_0", "arr_1"} <= set(names):
        pairs["train"] = "arr_0", "arr_1"  # of numpy.savez without names
    return pairs


def _named(
    parts: dict[str, ArrayPart], arrays: Mapping[str, np.ndarray], used: set[str], notes: list[str]
) -> dict[str, ArrayPart]:
    """Replace labels that are numbers by the names in an array of the archive, if it has one."""
    free = [name for name in arrays if name not in used]
    name = next((name for name in free if name.lower() in CLASS_NAMES), None)
    labels = {label for part in parts.values() for label in part.labels}
    if name is None or not labels or not all(label.isdecimal() for label in labels):
        return parts
    try:
        values = [label_text(value) for value in np.ravel(arrays[name]).tolist()]
    except ValueError:
        return parts  # objects; the name is noted as one that is not used
    if len(set(values)) < len(values) or len(values) <= max(map(int, labels)):
        return parts
    used.add(name)
    notes.append(f"classes named by {name}, from 0")
    return {
        split: ArrayPart(part.images, [values[int(label)] for label in part.labels])
        for split, part in parts.items()
    }


def check_lengths(part: ArrayPart, where: str) -> None:
    """Refuse another number of labels than of images."""
    if len(part.images) != len(part.labels):
        raise DataError(f"{where}: {len(part.images):,} images but {len(part.labels):,} labels")


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
    return [label_text(value) for value in labels.tolist()]


def label_text(value: Any) -> str:
    """Return the name of the class that a label is."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return escape_unprintable(str(value).strip())
