"""Search for image files by file, folder and pattern."""

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ankleboot.core.errors import DataError
from ankleboot.core.paths import AnyPath, expand
from ankleboot.data.preprocessing.image_formats import SUFFIXES
from ankleboot.data.walk import IGNORED_FILES, walk

NUM_LISTED = 3  # skipped files in a message


def find_images(names: Iterable[AnyPath], progress: Callable[[str], None]) -> list[Path]:
    """Expand folders and patterns to image files.

    Folders are searched recursively, in the order of names, for files with an image suffix; see
    `data.walk`. A missing file and a folder without images stay in the result, so that decoding
    reports them. `progress` receives a line about skipped files.
    """
    paths: list[Path] = []
    for name in map(os.fspath, map(expand, names)):
        matches = [name]
        if not os.path.lexists(name) and glob.has_magic(name):
            matches = sorted(glob.glob(_escape_existing(name), recursive=True)) or [name]
        expanded: dict[Path, None] = {}  # "**" matches a folder and the files in it
        for match in matches:
            path = Path(match)
            files = _search(path, progress) or [path] if os.path.isdir(match) else [path]
            expanded |= dict.fromkeys(files)
        paths += expanded
    return paths


def _escape_existing(pattern: str) -> str:
    """Take folders that exist by their names, also where these look like patterns: [2024]."""
    drive, parts = os.path.splitdrive(pattern)[0], Path(pattern).parts
    escaped, folder = [], Path()
    for number, part in enumerate(parts):
        folder /= part
        is_literal = number == 0 and bool(drive) or os.path.lexists(folder)
        escaped.append(glob.escape(part) if is_literal else part)
    return os.path.join(*escaped)


def _search(folder: Path, progress: Callable[[str], None]) -> list[Path]:
    images: list[Path] = []
    skipped: list[Path] = []
    try:
        for entry in walk(folder, progress):
            if entry.kind in ("file", "broken link"):
                is_image = entry.path.suffix.lower() in SUFFIXES
                if is_image or entry.path.name.lower() not in IGNORED_FILES:
                    (images if is_image else skipped).append(entry.path)
            elif entry.kind != "folder":
                skipped.append(entry.path)
    except DataError as error:
        progress(str(error))
    if skipped:
        some = ", ".join(path.name for path in skipped[:NUM_LISTED])
        more = ", ..." if len(skipped) > NUM_LISTED else ""
        number = f"{len(skipped)} file{'s' if len(skipped) > 1 else ''}"
        progress(f"{folder}: {number} skipped, not images: {some}{more}")
    return images
