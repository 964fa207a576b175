"""IDX files of any data set: MNIST, KMNIST, EMNIST and others in the format of Fashion-MNIST.

Their names say the data set and the split (emnist-letters-train-images-idx3-ubyte.gz); files whose
names say nothing are told apart by their headers.
"""

import re
import zlib
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from ankleboot.core.errors import DataError
from ankleboot.data.fashion_mnist.find_idx import GZIP_MAGIC, idx_candidates, idx_header
from ankleboot.data.fashion_mnist.idx import (
    IMAGES_HEADER,
    IMAGES_MAGIC,
    LABELS_MAGIC,
    announced_bytes,
    gunzip,
    parse_images,
    parse_labels,
)
from ankleboot.data.image_folder.listing import natural_order
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.image_folder.split_names import SPLIT_NAMES
from ankleboot.data.tables.arrays import ArrayPart
from ankleboot.data.tables.label_names import class_name_file, names_by_label
from ankleboot.data.tables.table import MAX_TABLE_BYTES, read_table_file

SPLITS = SPLIT_NAMES | {"t10k": "test"}
KINDS = frozenset(("images", "image", "imgs", "img", "labels", "label"))


@dataclass(frozen=True)
class _IdxPart:
    """File of images or labels: how many, of which data set ("" if unnamed) and split."""

    path: Path
    holds_images: bool
    count: int
    data_set: str
    split: str


def read_idx_files(
    folder: Path, file: Path | None = None
) -> tuple[dict[str, ArrayPart], list[str]]:
    """Read the images and labels of each split, and what was assumed.

    Args:
        folder: Folder with the files.
        file: One of them, where the folder has several data sets.

    Raises:
        DataError: If a file is damaged or missing, or there are several data sets.
    """
    parts = _parts(folder)
    names = natural_order({part.data_set for part in parts if part.holds_images})
    if file is not None:
        names = (_meaning(file)[0],)
    if len(names) > 1:
        raise DataError(
            f"{folder}: IDX files of several data sets ({join_names(names)}); name a file of one "
            "of them with --data"
        )
    parts = [part for part in parts if part.data_set in names]
    images = sorted((p for p in parts if p.holds_images), key=lambda p: (not p.split, -p.count))
    arrays: dict[str, ArrayPart] = {}
    notes = []
    for part in images:
        split = part.split or ("test" if "train" in arrays else "train")
        if split in arrays:
            raise DataError(f"{part.path}: a second IDX file of {split} images")
        if not part.split and len(images) > 1:
            notes.append(f"{part.path.name} taken as {split}, by its number of images")
        arrays[split] = _read(part, parts)
    if "train" not in arrays:
        raise DataError(f"{folder}: no IDX file of training images, as train-images-idx3-ubyte")
    return arrays, notes


def name_classes(
    parts: dict[str, ArrayPart], folder: Path
) -> tuple[dict[str, ArrayPart], tuple[str, ...], str]:
    """Replace the labels by the names in classes.txt or labels.txt, if a folder has such a file.

    Returns:
        The arrays, the names of the classes that have training images in order, and a note.

    Raises:
        DataError: If the file has other names than one for each label.
    """
    labels = natural_order({label for part in parts.values() for label in part.labels})
    path = class_name_file(folder)
    names = names_by_label(path, labels) if path else dict(zip(labels, labels, strict=True))
    origin = f"named by {path.name}, in the order of the labels" if path else "the labels"
    note = (
        f"not Fashion-MNIST, by its content; the classes are {origin} {labels[0]} to {labels[-1]}"
    )
    trained = set(parts["train"].labels)
    named = {
        split: ArrayPart(part.images, [names[label] for label in part.labels])
        for split, part in parts.items()
    }
    return named, tuple(names[label] for label in labels if label in trained), note


def _parts(folder: Path) -> list[_IdxPart]:
    paths = list(idx_candidates(folder))
    plain = {path for path in paths if path.suffix != ".gz"}
    parts = []
    for path in paths:
        if path.suffix == ".gz" and path.with_suffix("") in plain:
            continue  # torchvision keeps the archives beside their content
        header = idx_header(path)
        if header is not None:
            parts.append(_IdxPart(path, header[0] == IMAGES_MAGIC, header[1], *_meaning(path)))
        elif "ubyte" in path.name.lower():
            parse = parse_labels if "label" in path.name.lower() else parse_images
            parse(_content(path), str(path))  # says why it is none
    return parts


def _meaning(path: Path) -> tuple[str, str]:
    """Return the data set and the split that a file name says, "" for none."""
    words = re.split(r"[\W_]+", path.name.lower())
    split = next((SPLITS[word] for word in words if word in SPLITS), "")
    if not KINDS & set(words):
        return "", split
    before = takewhile(lambda word: word not in KINDS, words)
    return "-".join(word for word in before if word not in SPLITS), split


def _read(images: _IdxPart, parts: list[_IdxPart]) -> ArrayPart:
    """Read a file of images and that of its labels."""
    labels = [
        part
        for part in parts
        if not part.holds_images and part.split == images.split and part.count == images.count
    ]
    if len(labels) != 1:
        raise DataError(
            f"{images.path}: expected one IDX file with its {images.count:,} labels, found "
            f"{len(labels)}"
        )
    pixels = parse_images(_content(images.path), str(images.path))
    values = parse_labels(_content(labels[0].path), str(labels[0].path))
    return ArrayPart(pixels, [str(value) for value in values.tolist()])


def _content(path: Path) -> bytes:
    """Read a file, and unpack it if it is gzip."""
    raw = read_table_file(path)
    if raw[:2] != GZIP_MAGIC:
        return raw
    try:
        head = zlib.decompressobj(wbits=31).decompress(raw, IMAGES_HEADER)
    except zlib.error:
        head = b""  # unpacking reports it
    if head and int.from_bytes(head[:4]) not in (IMAGES_MAGIC, LABELS_MAGIC):
        return head  # parsing reports it
    limit = announced_bytes(head.ljust(IMAGES_HEADER, b"\0"))
    return gunzip(raw, min(limit, MAX_TABLE_BYTES), str(path))
