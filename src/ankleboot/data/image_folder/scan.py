"""Scan of an image folder: the split and class of each file, without opening it.

`scan_folder` walks through the folder, `layout.understand` decides which folders are splits and
which are classes.
"""

from pathlib import Path

from ankleboot.core.errors import DataError
from ankleboot.core.text import escape_unprintable
from ankleboot.data.image_folder.layout import Layout, Tree, understand
from ankleboot.data.image_folder.listing import (
    ImageFile,
    ImageListing,
    check_class_names,
    natural_order,
)
from ankleboot.data.image_folder.masks import note_masks
from ankleboot.data.image_folder.report import LAYOUT, join_names
from ankleboot.data.preprocessing.image_formats import SUFFIXES, UNREAD_FORMATS
from ankleboot.data.walk import IGNORED_FILES, Entry, is_output, walk


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
    layout = understand(root, tree)
    _refuse_broken_links(entries, layout)
    _note_folders(entries, tree, layout)
    images, skipped, special = _sort_entries(entries, layout)
    note_masks(images, layout)
    classes: dict[str, set[str]] = {"train": set()}
    for split, class_name in layout.classes.values():
        classes.setdefault(split, set()).add(class_name)
    check_class_names(root, classes, LAYOUT)
    names, notes = natural_order(classes["train"]), tuple(layout.notes)
    return ImageListing(images, names, layout.text, tuple(skipped), tuple(special), notes)


def _sort_entries(
    entries: list[Entry], layout: Layout
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


def _tree(entries: list[Entry]) -> Tree:
    tree = Tree()
    for entry in entries:
        if entry.kind == "folder":
            tree.folders.append(entry.name.parts)
        elif _is_image(entry):
            parts = entry.name.parts[:-1]
            tree.direct[parts] += 1
            tree.below.update(parts[:n] for n in range(len(parts) + 1))
    return tree


def _refuse_broken_links(entries: list[Entry], layout: Layout) -> None:
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


def _note_folders(entries: list[Entry], tree: Tree, layout: Layout) -> None:
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
