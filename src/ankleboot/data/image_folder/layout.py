"""Understanding of an image folder: which of its folders are splits and which are classes.

The names of the folders and the numbers of images in them decide.
"""

import re
import shlex
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.listing import SPLIT_ORDER, natural_order
from ankleboot.data.image_folder.report import LAYOUT, join_names
from ankleboot.data.image_folder.split_names import split_of

Parts = tuple[str, ...]

MAX_NESTED = 3  # folders around the folders of classes or splits, as archives have them
UNLABELED = frozenset(
    ("all", "extra", "images", "image", "img", "imgs", "photos", "pred", "predict", "prediction")
) | {"unknown", "unlabeled", "unlabelled"}
"""Words, in lower case, in the names of folders that hold images of all classes."""


@dataclass
class Tree:
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
class Layout:
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


def understand(root: Path, tree: Tree) -> Layout:
    """Find the folders of the classes."""
    base, layout = _unwrap_root(tree), Layout()
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
    if _understand_classes_first(root, tree, base, layout):
        return layout
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


def _unwrap_root(tree: Tree) -> Parts:
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


def _unwrap_split(tree: Tree, folder: Parts) -> Parts:
    """Descend where a split holds a single folder that repeats its name or meaning."""
    inner = tree.children(folder)
    if tree.direct[folder] or len(inner) != 1 or not tree.children((*folder, inner[0])):
        return folder
    meaning = split_of(folder[-1])
    repeats = inner[0] == folder[-1] or (meaning is not None and split_of(inner[0]) == meaning)
    return (*folder, inner[0]) if repeats else folder


def _understand_splits(
    root: Path, tree: Tree, base: Parts, splits: dict[str, str], layout: Layout
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
        if not split and {split_of(inner) for inner in classes} >= set(splits.values()):
            layout.left_out.append(folder)
            layout.notes.append(
                f"{_shown((*base, name))}: {tree.below[folder]:,} images in the same splits once "
                "more, left out"
            )
        elif is_flat and (split or UNLABELED & set(re.split(r"[\W_]+", name.lower()))):
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


def _understand_classes_first(root: Path, tree: Tree, base: Parts, layout: Layout) -> bool:
    """Find the splits in the folders of classes (cat/train/1.jpg); False if they hold none.

    Raises:
        DataError: If only some classes hold splits, or one of them a split twice.
    """
    top = tree.children(base)
    places: dict[str, dict[Parts, str | None]] = {}
    for name in top:
        folder = (*base, name)
        inner = {(*folder, child): split_of(child) for child in tree.children(folder)}
        if inner and all(inner.values()) and not tree.direct[folder]:
            places[name] = inner
    splits = {split for inner in places.values() for split in inner.values()}
    if len(splits) < 2:
        return False
    if others := [name for name in top if name not in places]:
        raise DataError(
            f"{root}: {_shown_all(list(places))} hold splits, but {_shown_all(others)} do not; "
            f"expected train/ and test/ in every class, or {LAYOUT}"
        )
    if twice := [name for name, inner in places.items() if len(set(inner.values())) < len(inner)]:
        raise DataError(f"{root}: two folders of the same split in {_shown_all(twice)}")
    for name, inner in places.items():
        for folder, split in inner.items():
            layout.classes[folder] = str(split), escape_unprintable(name)
    names = ", ".join(f"{split}/" for split in SPLIT_ORDER if split in splits)
    layout.text = f"one folder for each class, {names} in them"
    return True


def _leave_out(root: Path, tree: Tree, folder: Parts, split: str | None, layout: Layout) -> None:
    """Note a part without labels; refuse it where its images are needed."""
    name, num = _shown(folder), tree.below[folder]
    if split in ("train", "validation"):
        raise DataError(
            f"{root}: {name} holds {num:,} images but no folders of classes; expected {LAYOUT}"
        )
    layout.left_out.append(folder)
    layout.notes.append(
        f"{name}: {num:,} images without labels, left out; `ankleboot predict "
        f"{escape_unprintable(shlex.quote(str(root.joinpath(*folder))))} --csv` labels them"
    )


def _refuse_equal_folders(root: Path, tree: Tree, base: Parts, top: list[str]) -> None:
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


def _shown(folder: Parts) -> str:
    return f"{escape_unprintable('/'.join(folder))}/"


def _shown_all(names: list[str]) -> str:
    return join_names([_shown((name,)) for name in names])
