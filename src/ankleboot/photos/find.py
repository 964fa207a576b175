"""Which files are meant by what the user named: files, folders, patterns."""

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ankleboot.errors import DataError
from ankleboot.photos.decode import SUFFIXES

IGNORED = ("thumbs.db", "desktop.ini", "readme", "readme.md", "readme.txt", "license")
NUM_NAMED = 3  # skipped files that are listed by name


def find(names: Iterable[str], note: Callable[[str], None]) -> list[Path]:
    """Expand folders and patterns; a name that leads nowhere stays, to be reported in its place.

    Folders are searched to the bottom, sorted by name, for files with a picture's suffix. Links
    are not followed; hidden files are passed over silently, others that are skipped are counted.

    Args:
        names: As on a command line.
        note: Called with a line about what was skipped.

    Raises:
        DataError: If a folder holds no picture.
    """
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found += _in_folder(path, note)
        elif not os.path.lexists(name) and glob.has_magic(name):
            matches = sorted(glob.glob(name, recursive=True))
            found += [match for match in map(Path, matches) if not match.is_dir()] or [path]
        else:
            found.append(path)
    return found


def _in_folder(folder: Path, note: Callable[[str], None]) -> list[Path]:
    found: list[Path] = []
    skipped: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place) / name
            if name.startswith(".") or name.lower() in IGNORED:
                continue
            is_ours = path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink()
            (found if is_ours else skipped).append(path)
        skipped += [Path(place) / name for name in folders if (Path(place) / name).is_symlink()]
    if skipped:
        some = ", ".join(path.name for path in skipped[:NUM_NAMED])
        more = ", ..." if len(skipped) > NUM_NAMED else ""
        note(f"{folder}: {len(skipped)} skipped, no pictures or links: {some}{more}")
    if not found:
        raise DataError(f"{folder}: no pictures in this folder ({' '.join(sorted(SUFFIXES))})")
    return found
