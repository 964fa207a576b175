"""Search for image files by file, folder and pattern."""

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ankleboot.data.preprocessing.image_formats import SUFFIXES

IGNORED_FILES = ("thumbs.db", "desktop.ini", "readme", "readme.md", "readme.txt", "license")
NUM_LISTED = 3  # skipped files in a message


def find_images(names: Iterable[str], progress: Callable[[str], None]) -> list[Path]:
    """Expand folders and patterns to image files.

    Folders are searched recursively, in the order of names, for files with an image suffix. Links
    are not followed. A missing file and a folder without images stay in the result, so that
    decoding reports them. `progress` receives a line about skipped files.
    """
    paths: list[Path] = []
    for name in names:
        matches = [name]
        if not os.path.lexists(name) and glob.has_magic(name):
            matches = sorted(glob.glob(name, recursive=True)) or [name]
        expanded: dict[Path, None] = {}  # "**" matches a folder and the files in it
        for match in matches:
            path = Path(match)
            files = _search(path, progress) or [path] if os.path.isdir(match) else [path]
            expanded |= dict.fromkeys(files)
        paths += expanded
    return paths


def _search(folder: Path, progress: Callable[[str], None]) -> list[Path]:
    images: list[Path] = []
    skipped: list[Path] = []
    for parent, folders, files in os.walk(
        folder, onerror=lambda e: progress(f"{e.filename}: cannot be searched ({e.strerror})")
    ):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent) / name
            if name.startswith(".") or name.lower() in IGNORED_FILES:
                continue
            is_image = path.suffix.lower() in SUFFIXES and os.path.isfile(path)
            (images if is_image and not os.path.islink(path) else skipped).append(path)
        skipped += [path for n in folders if os.path.islink(path := Path(parent) / n)]
    if skipped:
        some = ", ".join(path.name for path in skipped[:NUM_LISTED])
        more = ", ..." if len(skipped) > NUM_LISTED else ""
        progress(f"{folder}: {len(skipped)} files skipped, not images or links: {some}{more}")
    return images
