"""Which picture of a folder belongs to which class and part; nothing is opened yet."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.report import LAYOUT, join_names
from ankleboot.data.preprocessing.decode import SUFFIXES
from ankleboot.data.preprocessing.find_images import IGNORED

SPLIT_NAMES = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
"""Folders of parts, and the part that they mean."""

IGNORED_FOLDERS = ("__macosx",)
MIN_IMAGES_PER_CLASS = 2  # pictures of a class: one to learn, one to judge by


@dataclass(frozen=True)
class ImageFile:
    """A file that is a picture by its ending; `name` is its path in the folder, unescaped."""

    path: Path
    name: str
    part: str
    class_name: str


@dataclass
class FolderScan:
    """What is in a folder, in the order of names."""

    root: Path
    pictures: list[ImageFile] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # other files, that people may wonder about
    special: list[str] = field(default_factory=list)  # links, pipes, devices: never followed
    class_names: tuple[str, ...] = ()


def scan_folder(root: Path) -> FolderScan:
    """Find the classes, the parts and their pictures.

    Raises:
        DataError: If the folder is not laid out as `LAYOUT` says, or class names cannot be told
            apart everywhere.
    """
    found = FolderScan(root)
    folders = _folders(root, found)
    parts = [
        one
        for one in folders
        if one.name.lower() in SPLIT_NAMES and _folders(one, FolderScan(root))
    ]
    places = [(one, SPLIT_NAMES[one.name.lower()]) for one in parts] or [(root, "train")]
    if parts and len(parts) < len(folders):
        others = [f"{escape_unprintable(one.name)}/" for one in folders if one not in parts]
        raise DataError(f"{root}: {join_names(others)} beside {parts[0].name}/; expected {LAYOUT}")
    names = [part for _, part in places]
    if "train" not in names or len(set(names)) < len(names):
        seen = ", ".join(f"{one.name}/" for one in parts)
        raise DataError(f"{root}: {seen}; expected train/ and each part once ({LAYOUT})")
    classes: dict[str, set[str]] = {}
    for place, part in places:
        for folder in _folders(place, found) if place != root else folders:
            name = escape_unprintable(folder.name)
            classes.setdefault(part, set()).add(name)
            for path in _files(folder, found):
                relative = path.relative_to(root).as_posix()
                found.pictures.append(ImageFile(path, relative, part, name))
        if place != root:
            _note_files(place, found)
    _note_files(root, found)
    _check_names(root, classes)
    found.class_names = tuple(sorted(classes.get("train", ())))
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            seen = [one for one in entries if not one.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder}: cannot be searched ({error.strerror})") from error
    return sorted(seen, key=lambda one: os.fsencode(one.name))


def _folders(folder: Path, found: FolderScan) -> list[Path]:
    """The folders in a folder; links are noted."""
    paths = []
    for entry in _entries(folder):
        if entry.is_symlink() and entry.is_dir():
            found.special.append(_name(Path(entry.path), found.root))
        elif entry.is_dir(follow_symlinks=False) and entry.name.lower() not in IGNORED_FOLDERS:
            paths.append(Path(entry.path))
    return paths


def _files(folder: Path, found: FolderScan) -> Iterator[Path]:
    """The pictures of a class, to the bottom; all else is noted."""
    for entry in _entries(folder):
        path = Path(entry.path)
        if entry.is_symlink():
            found.special.append(_name(path, found.root))
        elif entry.is_dir():
            yield from _files(path, found)
        elif not entry.is_file():
            found.special.append(_name(path, found.root))
        elif path.suffix.lower() in SUFFIXES:
            yield path
        elif entry.name.lower() not in IGNORED:
            found.skipped.append(_name(path, found.root))


def _note_files(folder: Path, found: FolderScan) -> None:
    """Note the files that lie beside the folders of classes or parts: they have no class."""
    for entry in _entries(folder):
        if entry.is_symlink() and entry.is_dir():
            continue  # noted with the folders
        name = _name(Path(entry.path), found.root)
        if entry.is_file(follow_symlinks=False):
            found.skipped += [name] if entry.name.lower() not in IGNORED else []
        elif not entry.is_dir(follow_symlinks=False):
            found.special.append(name)


def _name(path: Path, root: Path) -> str:
    return escape_unprintable(path.relative_to(root).as_posix())


def _check_names(root: Path, classes: dict[str, set[str]]) -> None:
    """Refuse names that some systems cannot tell apart, and classes that training does not know."""
    known: dict[str, str] = {}
    for name in sorted(set().union(*classes.values())):
        other = known.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if other != name:
            raise DataError(
                f"{root}: the classes {other!a} and {name!a} differ only by case or Unicode form; "
                "rename or join them"
            )
    for part, names in classes.items():
        if strange := sorted(names - classes.get("train", set())):
            raise DataError(f"{root}: in {part}/ but not in train/: {join_names(strange)}")
    if len(classes.get("train", ())) < 2:
        there = ", ".join(classes.get("train", ())) or "none"
        raise DataError(f"{root}: two or more classes are needed, found {there}; expected {LAYOUT}")
