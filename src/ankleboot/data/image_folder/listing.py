"""Images of a data set before they are decoded: the split, class and group of each."""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.report import join_names

SPLIT_ORDER = ("train", "validation", "test")

VERSION = re.compile(r"(.+)\.rf\.[0-9A-Za-z]{8,}(\.\w+)?")
"""Name of an image that Roboflow made of a photo: it exports several of each, turned or colored."""


@dataclass(frozen=True)
class ImageFile:
    """An image: a file, or a row of a table.

    Attributes:
        path: Path to the file, or to the table.
        name: Path in the folder, or the name of the row; unescaped.
        group: Name of the group that a split keeps on one side; "" for none.
        content: Bytes of the file or pixels of the image, if they are not read from `path`.
        sha256: Hash of the bytes; "" if they are no image at all, or were not read yet.
        num_bytes: Number of bytes when they were hashed.
        fault: Why the file is no image, such as a pipe; "" for others.
    """

    path: Path
    name: str
    split: str
    class_name: str
    group: str = ""
    content: bytes | np.ndarray | None = field(default=None, compare=False, repr=False)
    sha256: str = ""
    num_bytes: int = 0
    fault: str = ""

    @property
    def printable(self) -> str:
        """Name for messages."""
        return escape_unprintable(self.name)

    @property
    def identity(self) -> str:
        """Name and hash."""
        return f"{os.fsencode(self.name)!r} {self.sha256}"

    @property
    def photo(self) -> str:
        """Class and name of the photo that this image is a version of; "" for other images."""
        match = VERSION.fullmatch(re.split(r"[/\\]", self.name)[-1])
        return f"{self.class_name}/{match[1]}" if match else ""


@dataclass(frozen=True)
class ImageListing:
    """Images of a data set.

    Attributes:
        images: Images of all splits and classes.
        class_names: Names of the classes in the order of the labels.
        layout: What the files and folders were understood as, in one line.
        skipped: Names of files that are not images, except those that systems leave behind.
        special_files: Names of pipes, devices, and links to a folder above, which are not followed.
        notes: What was left out or assumed, one line each.
    """

    images: list[ImageFile]
    class_names: tuple[str, ...]
    layout: str
    skipped: tuple[str, ...] = ()
    special_files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names as people do: the numbers in them by value, -1 before 2 before 10."""

    def key(name: str) -> tuple[int, list[tuple[int, str]], str]:
        parts = re.split("([0-9]+)", name)  # texts and numbers take turns
        digits = (part.lstrip("0") if i % 2 else part for i, part in enumerate(parts))
        negative = int(name) if re.fullmatch("-[0-9]{1,18}", name) else 0
        return negative, [(len(part) if i % 2 else 0, part) for i, part in enumerate(digits)], name

    return tuple(sorted(names, key=key))


def check_class_names(source: object, classes: Mapping[str, set[str]], layout: str) -> None:
    """Refuse classes without training images, and names that some systems cannot distinguish.

    Raises:
        DataError: See above; also if there is no class.
    """
    known: dict[str, str] = {}
    for name in sorted(set().union(*classes.values())):
        other = known.setdefault(_visible(name), name)
        if other != name:
            first, second = (ascii(text).replace("\\\\", "\\") for text in (other, name))
            raise DataError(
                f"{source}: the classes {first} and {second} differ only by case, blanks, dots "
                "at the end, invisible characters or Unicode form; rename or join them"
            )
    trained = classes.get("train", set())
    for split, names in classes.items():
        if unknown := natural_order(names - trained):
            raise DataError(f"{source}: in {split}/ but not in train/: {join_names(unknown)}")
    if not trained:
        raise DataError(f"{source}: two or more classes are needed, found none; expected {layout}")


def _visible(name: str) -> str:
    """Return what a reader sees of a class name, whose unprintable characters are escaped."""
    code = r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})"
    whole = re.sub(code, lambda match: chr(int(match[0][2:], 16)), name)
    seen = "".join(c for c in whole if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    return " ".join(unicodedata.normalize("NFKC", seen).casefold().split()).rstrip(". ")
