"""Scan of an image folder: the split and class of each file, without opening it.

`scan_folder` walks through the folder, `_understand` decides which folders are splits and classes
from the names of the folders and the numbers of images in them.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.listing import (
    ImageFile,
    ImageListing,
    check_class_names,
    natural_order,
)
from ankleboot.data.image_folder.report import LAYOUT, join_names
from ankleboot.data.image_folder.split_names import split_of
from ankleboot.data.preprocessing.image_formats import SUFFIXES, UNREAD_FORMATS
from ankleboot.data.walk import IGNORED_FILES, Entry, is_output, walk

Parts = tuple[str, ...]

MAX_NESTED = 3  # folders around the folders of classes or splits, as archives have them
UNLABELED = frozenset(
    ("all", "extra", "images", "image", "img", "imgs", "photos", "pred", "predict", "prediction")
) | {"unknown", "unlabeled", "unlabelled"}
"""Words, in lower case, in the names of folders that hold images of all classes."""


@dataclass
class _Tree:
    """Folders that are not empty, with the numbers of their images."""

    below: Counter[Parts] = field(default_factory=Counter)  # images in a folder and below
    direct: Counter[Parts] = field(default_factory=Counter)  # images in a folder itself
    folders: list[Parts] = field(default_factory=list)

    def children(self, folder: Parts) -> list[str]:
        """List the folders in a folder that have images."""
        return [
            path[-1] for path in self.folders if path[:-1] == folder and path and self.below[path]
        ]


@dataclass
class _Layout:
    """Folders of classes by split, and what was noticed."""

    classes: dict[Parts, tuple[str, str]] = field(default_factory=dict)  # split and class
    text: str = "one folder for each class"
    notes: list[str] = field(default_factory=list)
    left_out: list[Parts] = field(default_factory=list)  # folders that a note names already

    def is_left_out(self, path: PurePosixPath) -> bool:
        return any(path.parts[: len(folder)] == folder for folder in self.left_out)

    def place(self, path: PurePosixPath) -> tuple[str, str] | None:
        """Return the split and the class of a file; None for a file outside the classes."""
        parts = path.parts[:-1]
        places = (self.classes.get(parts[:n]) for n in range(1, len(parts) + 1))
        return next((place for place in places if place), None)


def scan_folder(root: Path) -> ImageListing:
    """Find the splits, the classes and their image files.

    Raises:
        DataError: If the folder has another layout than `LAYOUT`, a part of it cannot be used, or
            class names are such that some systems cannot distinguish them.
    """
    entries = list(walk(root))
    if is_output({path.name for path in root.iterdir()}):
        raise DataError(f"{root}: Ankleboot wrote this folder; a run is no data set")
    tree = _tree(entries)
    if not tree.below[()]:
        raise DataError(f"{root}: no images; expected {LAYOUT}")
    layout = _understand(root, tree)
    _refuse_broken_links(entries, layout)
    _note_folders(entries, tree, layout)
    images, skipped, special = _sort_entries(entries, layout)
    classes: dict[str, set[str]] = {"train": set()}
    for split, class_name in layout.classes.values():
        classes.setdefault(split, set()).add(class_name)
    check_class_names(root, classes, LAYOUT)
    names, notes = natural_order(classes["train"]), tuple(layout.notes)
    return ImageListing(images, names, layout.text, tuple(skipped), tuple(special), notes)


def _sort_entries(
    entries: list[Entry], layout: _Layout
) -> tuple[list[ImageFile], list[str], list[str]]:
    """Return the images, the names of other files and those of special files; note the rest."""
    images: list[ImageFile] = []
    skipped, special, outside, unread = [], [], [], []
    for entry in entries:
        place, printable = layout.place(entry.name), escape_unprintable(entry.name.as_posix())
        suffix = entry.name.suffix.lower()
        if entry.kind == "special":
            special.append(printable)
        elif entry.kind not in ("file", "broken link"):
            continue
        elif _is_image(entry) and place:
            images.append(ImageFile(entry.path, entry.name.as_posix(), *place))
        elif _is_image(entry):
            outside += [] if layout.is_left_out(entry.name) else [printable]
        elif suffix in UNREAD_FORMATS:
            unread.append(f"{printable}: {UNREAD_FORMATS[suffix]}")
        elif entry.name.name.lower() not in IGNORED_FILES:
            skipped.append(printable)
    if outside:
        layout.notes.append(f"images without a label, left out: {_counted(outside)}{_ADVICE}")
    if unread:
        layout.notes.append(f"images in formats that are not read, left out: {_counted(unread)}")
    return images, skipped, special


_ADVICE = "; `ankleboot predict` labels them"


def _is_image(entry: Entry) -> bool:
    is_file = entry.kind in ("file", "broken link")  # decoding reports a broken link
    return is_file and entry.name.suffix.lower() in SUFFIXES


def _tree(entries: list[Entry]) -> _Tree:
    tree = _Tree()
    for entry in entries:
        if entry.kind == "folder":
            tree.folders.append(entry.name.parts)
        elif _is_image(entry):
            parts = entry.name.parts[:-1]
            tree.direct[parts] += 1
            tree.below.update(parts[:n] for n in range(len(parts) + 1))
    return tree


def _understand(root: Path, tree: _Tree) -> _Layout:
    """Find the folders of the classes."""
    base, layout = _unwrap_root(tree), _Layout()
    if base:
        layout.notes.append(f"everything is in {_shown(base)}; read from there")
    top = tree.children(base)
    splits = {name: split_of(name) or "" for name in top if split_of(name)}
    splits = {name: split for name, split in splits.items() if tree.children((*base, name))}
    if splits:
        _understand_splits(root, tree, base, splits, layout)
        return layout
    if not top and tree.direct[base]:
        raise DataError(
            f"{root}: {tree.direct[base]:,} images without folders of classes; expected {LAYOUT}, "
            "or a CSV file with the columns path and label as --data"
        )
    _refuse_equal_folders(root, tree, base, top)
    if flat := [name for name in top if split_of(name)]:
        if all(split_of(name) for name in top):
            raise DataError(
                f"{root}: {_shown_all(flat)} hold images but no folders of classes; expected "
                f"{LAYOUT}, or a CSV file with the columns path, label and split as --data"
            )
        layout.notes.append(f"{_shown_all(flat)} taken as classes, as they hold images themselves")
    for name in top:
        layout.classes[*base, name] = "train", escape_unprintable(name)
    return layout


def _unwrap_root(tree: _Tree) -> Parts:
    """Descend while all images are in a single folder that has folders of its own."""
    folder: Parts = ()
    for _ in range(MAX_NESTED):
        inner = tree.children(folder)
        if tree.direct[folder] or len(inner) != 1 or split_of(inner[0]):
            break
        path = (*folder, inner[0])
        if tree.direct[path] or not tree.children(path):
            break
        folder = path
    return folder


def _unwrap_split(tree: _Tree, folder: Parts) -> Parts:
    """Descend where a split holds a single folder that repeats its name or meaning."""
    inner = tree.children(folder)
    if tree.direct[folder] or len(inner) != 1 or not tree.children((*folder, inner[0])):
        return folder
    meaning = split_of(folder[-1])
    repeats = inner[0] == folder[-1] or (meaning is not None and split_of(inner[0]) == meaning)
    return (*folder, inner[0]) if repeats else folder


def _understand_splits(
    root: Path, tree: _Tree, base: Parts, splits: dict[str, str], layout: _Layout
) -> None:
    top = tree.children(base)
    meanings = {}
    for name in top:
        folder = _unwrap_split(tree, (*base, name))
        classes = tree.children(folder)
        is_flat = not classes or (
            len(classes) == 1
            and (classes[0].lower() in UNLABELED or classes[0] == folder[-1])
            and not tree.children((*folder, classes[0]))
        )
        split = splits.get(name) or split_of(name)
        if is_flat and (split or UNLABELED & set(re.split(r"[\W_]+", name.lower()))):
            _leave_out(root, tree, (*base, name), split, layout)
        elif not split:
            first = f"{escape_unprintable(next(iter(splits)))}/"
            raise DataError(f"{root}: {_shown((name,))} beside {first}; expected {LAYOUT}")
        else:
            meanings[name] = split
            for inner in classes:
                layout.classes[*folder, inner] = split, escape_unprintable(inner)
    if "train" not in meanings.values() or len(set(meanings.values())) < len(meanings):
        names = ", ".join(f"{escape_unprintable(n)}/ ({split})" for n, split in meanings.items())
        names = names or _shown_all(top)
        raise DataError(f"{root}: {names}; expected train/ and each split once ({LAYOUT})")
    layout.text = ", ".join(f"{_shown((n,))} as {split}" for n, split in meanings.items())
    layout.text += ", one folder for each class in them"


def _leave_out(root: Path, tree: _Tree, folder: Parts, split: str | None, layout: _Layout) -> None:
    """Note a part without labels; refuse it where its images are needed."""
    name, num = _shown(folder), tree.below[folder]
    if split in ("train", "validation"):
        raise DataError(
            f"{root}: {name} holds {num:,} images but no folders of classes; expected {LAYOUT}"
        )
    layout.left_out.append(folder)
    layout.notes.append(
        f"{name}: {num:,} images without labels, left out; `ankleboot predict "
        f"{escape_unprintable(str(root.joinpath(*folder)))} --csv` labels them"
    )


def _refuse_equal_folders(root: Path, tree: _Tree, base: Parts, top: list[str]) -> None:
    """Refuse "classes" that all hold the same folders, since they are splits or the reverse."""
    if len(top) < 2 or any(tree.direct[*base, name] for name in top):
        return
    common = set.intersection(*(set(tree.children((*base, name))) for name in top))
    if len(common) < 2:
        return
    inner = join_names([escape_unprintable(name) for name in natural_order(common)])
    raise DataError(
        f"{root}: understood {_shown_all(top)} as classes, but all of them hold the same folders "
        f"({inner}), as splits do; name the splits train/, validation/ and test/ with the classes "
        "inside, or list the images in a CSV file (columns path, label, split)"
    )


def _refuse_broken_links(entries: list[Entry], layout: _Layout) -> None:
    """Refuse a broken link where a split or a class is expected."""
    levels = {len(folder) for folder in layout.classes}
    for entry in entries:
        if (
            entry.kind == "broken link"
            and not entry.name.suffix
            and len(entry.name.parts) <= max(levels, default=1)
        ):
            raise DataError(
                f"{entry.path}: a link to something that is missing; restore it (dvc pull, git "
                "annex get, mount the disk) or remove the link"
            )


def _note_folders(entries: list[Entry], tree: _Tree, layout: _Layout) -> None:
    """Note folders without images, and those that Ankleboot wrote."""
    outputs = [entry.name.parts for entry in entries if entry.kind == "output"]
    if outputs:
        names = [escape_unprintable("/".join(parts)) for parts in outputs]
        layout.notes.append(f"written by Ankleboot, no data: {_counted(names)}")
    holds_output = {parts[:n] for parts in outputs for n in range(1, len(parts))}
    empty = [
        escape_unprintable("/".join(parts))
        for parts in tree.folders
        if not tree.below[parts] and tree.below[parts[:-1]] and parts not in holds_output
    ]
    if empty:
        layout.notes.append(f"folders without images: {_counted(empty)}")


def _counted(names: list[str]) -> str:
    return f"{len(names):,} ({join_names(names)})"


def _shown(folder: Parts) -> str:
    return f"{escape_unprintable('/'.join(folder))}/"


def _shown_all(names: list[str]) -> str:
    return join_names([_shown((name,)) for name in names])
