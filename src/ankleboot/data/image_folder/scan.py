"""Scan of an image folder: the split and class of each file, without opening it."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.report import LAYOUT, join_names
from ankleboot.data.preprocessing.find_images import IGNORED_FILES
from ankleboot.data.preprocessing.image_formats import SUFFIXES

SPLIT_NAMES = {"train": "train", "test": "test"}
SPLIT_NAMES |= dict.fromkeys(("validation", "val", "valid"), "validation")
"""Split by the lower-case name of its folder."""

IGNORED_FOLDERS = ("__macosx",)


@dataclass(frozen=True)
class ImageFile:
    """File with an image suffix.

    Attributes:
        name: Path in the folder, unescaped.
        sha256: Hash of the bytes; "" if they cannot be read.
    """

    path: Path
    name: str
    split: str
    class_name: str
    sha256: str = ""

    @property
    def printable(self) -> str:
        """Name for messages."""
        return escape_unprintable(self.name)

    @property
    def content(self) -> str:
        """Name and hash."""
        return f"{os.fsencode(self.name)!r} {self.sha256}"


@dataclass(frozen=True)
class FolderScan:
    """Contents of an image folder.

    Attributes:
        images: Image files of all splits and classes.
        skipped: Names of other regular files, except those that systems leave behind.
        special_files: Names of links, pipes and devices, which are never followed.
        class_names: Names of the classes in ascending order.
    """

    images: list[ImageFile]
    skipped: list[str]
    special_files: list[str]
    class_names: tuple[str, ...]


def scan_folder(root: Path) -> FolderScan:
    """Find the splits, the classes and their image files.

    Raises:
        DataError: If the folder has another layout than `LAYOUT`, or class names that some systems
            cannot distinguish.
    """
    entries = [(entry, Path(entry.path).relative_to(root)) for entry in _walk(root)]
    folders = [path for entry, path in entries if entry.is_dir(follow_symlinks=False)]
    has_splits = _has_splits(root, folders)
    images: list[ImageFile] = []
    skipped: list[str] = []
    special_files: list[str] = []
    for entry, path in entries:
        place = split_and_class(path, has_splits=has_splits)
        if entry.is_dir(follow_symlinks=False):
            continue
        if not entry.is_file(follow_symlinks=False):
            special_files.append(escape_unprintable(path.as_posix()))
        elif place and path.suffix.lower() in SUFFIXES:
            images.append(ImageFile(root / path, path.as_posix(), *place))
        elif entry.name.lower() not in IGNORED_FILES:
            skipped.append(escape_unprintable(path.as_posix()))
    classes: dict[str, set[str]] = {"train": set()}
    for path in folders:
        if place := split_and_class(path / "image", has_splits=has_splits):
            classes.setdefault(place[0], set()).add(place[1])
    _check_class_names(root, classes)
    return FolderScan(images, skipped, special_files, tuple(sorted(classes["train"])))


def split_and_class(path: PurePath, *, has_splits: bool) -> tuple[str, str] | None:
    """Return the split and the class of a file, given its path in the folder.

    A file beside the folders of the classes or splits has none.
    """
    folders = path.parts[:-1] if has_splits else ("train", *path.parts[:-1])
    if len(folders) < 2:
        return None
    return SPLIT_NAMES[folders[0].lower()], escape_unprintable(folders[1])


def _walk(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder and below, in the order of names; links are not followed."""
    try:
        with os.scandir(folder) as scanned:
            entries = [entry for entry in scanned if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder}: cannot be searched ({error.strerror})") from error
    for entry in sorted(entries, key=lambda entry: os.fsencode(entry.name)):
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and entry.name.lower() in IGNORED_FOLDERS:
            continue
        yield entry
        if is_folder:
            yield from _walk(entry.path)


def _has_splits(root: Path, folders: list[Path]) -> bool:
    """Check if the top folders are splits: named as such, with folders of classes in them."""
    parents = {path.parts[0] for path in folders if len(path.parts) > 1}
    top = [path.name for path in folders if len(path.parts) == 1]
    splits = [name for name in top if name.lower() in SPLIT_NAMES and name in parents]
    if not splits:
        return False
    if others := [f"{escape_unprintable(name)}/" for name in top if name not in splits]:
        raise DataError(f"{root}: {join_names(others)} beside {splits[0]}/; expected {LAYOUT}")
    meanings = [SPLIT_NAMES[name.lower()] for name in splits]
    if "train" not in meanings or len(set(meanings)) < len(meanings):
        names = ", ".join(f"{name}/" for name in splits)
        raise DataError(f"{root}: {names}; expected train/ and each split once ({LAYOUT})")
    return True


def _check_class_names(root: Path, classes: dict[str, set[str]]) -> None:
    """Refuse names that some systems cannot distinguish, and classes without training images."""
    known: dict[str, str] = {}
    for name in sorted(set().union(*classes.values())):
        other = known.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if other != name:
            raise DataError(
                f"{root}: the classes {other!a} and {name!a} differ only by case or Unicode form; "
                "rename or join them"
            )
    trained = classes["train"]
    for split, names in classes.items():
        if unknown := sorted(names - trained):
            raise DataError(f"{root}: in {split}/ but not in train/: {join_names(unknown)}")
    if len(trained) < 2:
        found = ", ".join(trained) or "none"
        raise DataError(f"{root}: two or more classes are needed, found {found}; expected {LAYOUT}")
