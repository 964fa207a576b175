"""Walk through a folder of images, the same way for data sets and for predictions.

Links are followed, since data managers (DVC, git-annex) and shared disks consist of them; a link to
a folder above it, and the number and depth of entries, are bounded. Special files are never opened.
Folders of systems and of Ankleboot's own output are no data.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from ankleboot.core.errors import DataError
from ankleboot.core.splits import EVALUATION_FILES

IGNORED_FILES = ("thumbs.db", "desktop.ini", "readme", "readme.md", "readme.txt", "license")
IGNORED_FOLDERS = frozenset(
    ("$recycle.bin", "#recycle", "@eadir", "__macosx", "__pycache__", "lost+found", "lost.dir")
) | {"system volume information"}
"""Folders that file systems, recycle bins and network disks leave behind, in lower case."""

MAX_ENTRIES = 2_000_000  # files and folders below one folder
MAX_DEPTH = 40

OnError = Callable[[str], None]
Kind = Literal["folder", "file", "broken link", "special", "output"]


@dataclass(frozen=True)
class Entry:
    """File or folder.

    Attributes:
        path: Path on the disk.
        name: Path in the folder that is walked.
        kind: "special" is a pipe, a device, or a link to a folder above it; "output" is a folder
            that Ankleboot wrote, whose content is not listed.
    """

    path: Path
    name: PurePosixPath
    kind: Kind


def walk(root: Path, on_error: OnError | None = None, *, bounded: bool = True) -> Iterator[Entry]:
    """Yield what is in a folder and below: the files of a folder, then its folders, by name.

    Hidden files are left out, except what stands for a photo that is still in iCloud. `on_error`
    receives a line about a folder that cannot be searched; `bounded` is off for any number of
    entries.

    Raises:
        DataError: If a folder cannot be searched and there is no `on_error`, or there are more
            entries or levels than are allowed.
    """
    for number, entry in enumerate(
        _walk(root, PurePosixPath(), _list(root, on_error), (), on_error)
    ):
        if bounded and number >= MAX_ENTRIES:
            raise DataError(
                f"{root}: more than {MAX_ENTRIES:,} files and folders; does a link lead to a disk?"
            )
        yield entry


def is_output(names: set[str]) -> bool:
    """Check if a folder with these names in it is a run or an evaluation that Ankleboot wrote."""
    if "manifest.json" in names and names & {"recipe.json", ".lock"}:
        return True
    if {"job.json", "plan.jsonl"} <= names:  # the parts of a bulk prediction
        return True
    results = {"audit.json", "cross_validation.json", *EVALUATION_FILES.values()}
    return bool(names & results)


def _list(folder: Path, on_error: OnError | None) -> list[tuple[str, Kind]]:
    """Return names and kinds alone: a million `os.DirEntry` would take 400 MB."""
    try:
        with os.scandir(folder) as scanned:
            named = [(entry.name, _kind(entry)) for entry in scanned]
            return sorted(named, key=lambda item: os.fsencode(item[0]))
    except OSError as error:
        message = f"{folder}: cannot be searched ({error.strerror})"
        if on_error is None:
            raise DataError(message) from error
        on_error(message)
        return []


def _walk(
    folder: Path,
    name: PurePosixPath,
    entries: list[tuple[str, Kind]],
    above: tuple[tuple[int, int], ...],
    on_error: OnError | None,
) -> Iterator[Entry]:
    """Yield the entries of a folder; `above` identifies the folders on the way to it."""
    if len(above) > MAX_DEPTH:
        raise DataError(f"{folder}: more than {MAX_DEPTH} folders deep")
    above = (*above, _identity(folder))
    for file, kind in entries:
        if kind != "folder" and not _is_hidden(file):
            yield Entry(folder / file, name / file, kind)
    for inner, kind in entries:
        if kind != "folder" or _is_hidden(inner) or inner.lower() in IGNORED_FOLDERS:
            continue
        path = folder / inner
        if _identity(path) in above:
            yield Entry(path, name / inner, "special")
            continue
        content = _list(path, on_error)
        if is_output({item for item, _ in content}):
            yield Entry(path, name / inner, "output")
            continue
        yield Entry(path, name / inner, "folder")
        yield from _walk(path, name / inner, content, above, on_error)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and not name.endswith(".icloud")


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
        if entry.is_symlink() and not os.path.exists(entry.path):
            return "broken link"
    except OSError:  # a link to itself
        return "special"
    return "special"
