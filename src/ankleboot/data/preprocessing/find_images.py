"""Which files are meant by what the user named: files, folders, patterns."""

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ankleboot.data.preprocessing.decode import SUFFIXES

IGNORED = ("thumbs.db", "desktop.ini", "readme", "readme.md", "readme.txt", "license")
NUM_NAMED = 3  # skipped files that are listed by name


def find_images(names: Iterable[str], note: Callable[[str], None]) -> list[Path]:
    """Expand folders and patterns; a name that leads nowhere stays, to be reported in its place.

    Folders are searched to the bottom, sorted by name, for files with a picture's suffix. Links
    are not followed; hidden files are passed over silently, others that are skipped are counted. A
    folder without pictures stays too: reading it fails, as it should.

    Args:
        names: As on a command line.
        note: Called with a line about what was skipped.
    """
    found: list[Path] = []
    for name in names:
        matches = [name]
        if not os.path.lexists(name) and glob.has_magic(name):
            matches = sorted(glob.glob(name, recursive=True)) or [name]
        meant: dict[Path, None] = {}  # "**" matches a folder and what is in it
        for match in matches:
            path = Path(match)
            inside = _in_folder(path, note) or [path] if os.path.isdir(match) else [path]
            meant |= dict.fromkeys(inside)
        found += meant
    return found


def _in_folder(folder: Path, note: Callable[[str], None]) -> list[Path]:
    found: list[Path] = []
    skipped: list[Path] = []

    def unreadable(error: OSError) -> None:
        note(f"{error.filename}: cannot be searched ({error.strerror})")

    for place, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place) / name
            if name.startswith(".") or name.lower() in IGNORED:
                continue
            is_link = os.path.islink(path)
            is_ours = path.suffix.lower() in SUFFIXES and os.path.isfile(path) and not is_link
            (found if is_ours else skipped).append(path)
        skipped += [Path(place) / name for name in folders if os.path.islink(Path(place) / name)]
    if skipped:
        some = ", ".join(path.name for path in skipped[:NUM_NAMED])
        more = ", ..." if len(skipped) > NUM_NAMED else ""
        note(f"{folder}: {len(skipped)} skipped, no pictures or links: {some}{more}")
    return found
