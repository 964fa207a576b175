"""The files that the paths in a table lead to, also where the images were moved or renamed.

A path from the table's folder counts first. Other paths are matched by their end: of the images
below the folder with the name, the one whose folders agree the longest.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from ankleboot.core.errors import DataError
from ankleboot.data.image_folder.split_names import split_of
from ankleboot.data.preprocessing.image_formats import SUFFIXES
from ankleboot.data.walk import walk

MAX_DIGITS = 18  # of a name that is compared as a number


class ImagePaths:
    """Images below the folder of a table, by what a cell of it may call them."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """Remember the folder and all cells; it is searched once a path does not exist."""
        self.folder = folder
        self._names = names
        self._listed: set[str] = set()  # names of images in the cells, and of their folders
        self._folders_listed: set[str] = set()
        self._folders: set[str] = set()  # on the disk
        self._index: dict[str, list[tuple[str, ...]]] | None = None

    def find(self, name: str, split: str = "") -> tuple[Path, str]:
        """Return the path that a cell means, and how it was found, "" for a path as written.

        A missing image keeps its path; decoding reports it. `split` is known from the table, and
        decides between images of equal names in train/ and test/.

        Raises:
            DataError: If several images match equally well.
        """
        path = os.path.join(self.folder, name)
        if "\\" in name and not os.path.lexists(path):
            path = os.path.join(self.folder, name.replace("\\", "/"))
        if "\0" in name or os.path.isfile(path) or os.path.islink(path):
            return Path(path), ""
        parts = _parts(name)
        for how, keys in _spellings(parts[-1]) if parts else ():
            matches = [file for key in keys for file in self._images().get(key, [])]
            best = self._closest(parts, list(dict.fromkeys(matches)), split)
            if len(best) > 1:
                raise DataError(
                    f"names {name!a}, of which there are {len(best)} below {self.folder}; write "
                    "paths from that folder"
                )
            if best:
                return self.folder.joinpath(*best[0]), how
        return Path(path), ""

    def _closest(
        self, parts: tuple[str, ...], files: list[tuple[str, ...]], split: str
    ) -> list[tuple[str, ...]]:
        """Return the files whose folders agree longest with those of a cell, without strangers.

        An image of a folder of test images is one to a row to be learned, unless the cell names it.
        """
        learned = split in ("train", "validation") and "test" not in map(split_of, parts[:-1])
        known = [
            file
            for file in files
            if not self._is_other(parts, file)
            and not (learned and "test" in map(split_of, file[:-1]))
        ]
        lengths = [_common_tail(parts[:-1], file[:-1]) for file in known]
        best = [file for file, n in zip(known, lengths, strict=True) if n == max(lengths)]
        of_split = [file for file in best if split and split in map(split_of, file[:-1])]
        return of_split or best

    def _is_other(self, parts: tuple[str, ...], file: tuple[str, ...]) -> bool:
        """Check if a file is certainly another image than a cell means.

        So it is where another cell names the file, or where their folders contradict: the folder in
        the cell exists elsewhere, the folder of the file is that of other cells, or they name two
        splits.
        """
        if _key(file[-1]) != _key(parts[-1]) and _key(file[-1]) in self._listed:
            return True
        if len(parts) < 2:
            return False
        folder, found = _key(parts[-2]), [_key(part) for part in file[:-1]]
        if folder in found:
            return False
        own, others = split_of(parts[-2]), {split_of(part) for part in file[:-1]} - {None}
        if own and others and own not in others:
            return True
        return folder in self._folders or bool(found and found[-1] in self._folders_listed)

    def _images(self) -> dict[str, list[tuple[str, ...]]]:
        if self._index is None:
            paths = {_parts(name) for name in self._names}
            self._listed = {_key(parts[-1]) for parts in paths if parts}
            self._folders_listed = {_key(parts[-2]) for parts in paths if len(parts) > 1}
            self._index = defaultdict(list)
            for entry in walk(self.folder):
                parts = entry.name.parts
                if entry.kind == "folder" or entry.path.suffix.lower() not in SUFFIXES:
                    continue
                self._folders.update(map(_key, parts[:-1]))
                for key in {_key(parts[-1]), *_stem_keys(parts[-1])}:
                    self._index[key].append(parts)
        return self._index


def find_images(
    paths: ImagePaths, names: Sequence[str], splits: Sequence[str], where: Callable[[int], str]
) -> tuple[list[Path], list[str]]:
    """Return the path of each cell, and notes on those that were found by their names.

    Raises:
        DataError: If several images match a cell equally well, one image matches several cells, or
            there is none of the images; `where` names a row.
    """
    found: list[Path] = []
    first: dict[str, str] = {}
    cells: dict[Path, str] = {}
    for row, (name, split) in enumerate(zip(names, splits, strict=True)):
        try:
            path, how = paths.find(name, split)
        except DataError as error:
            raise DataError(f"{where(row)} {error}") from error
        found.append(path)
        other = cells.setdefault(path, name)
        if how and other != name:
            raise DataError(
                f"{where(row)} names {name!a}, another row {other!a}, and there is one image for "
                f"both: {path}; write paths from the folder of the table"
            )
        if how:
            shown = os.path.relpath(path, paths.folder)
            first.setdefault(how, f"such as {name!a}, read from {shown!a}")
    if found and not any(map(os.path.lexists, found)):
        raise DataError(
            f"{where(0)} and all others name images that are not in {paths.folder} or below, such "
            f"as {names[0]!a}; put the table beside the images, or write paths from its folder"
        )
    return found, [
        f"images found by {how} below {paths.folder}, {example}" for how, example in first.items()
    ]


def _spellings(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what is ignored, and keys that an image may have in the index, the surest first."""
    yield "their names", (_key(name),)
    yield "their names without %20 and the like", (_key(unquote(name)),)
    yield "their names without suffix or leading zeros", _stem_keys(name)


def _stem_keys(name: str) -> tuple[str, ...]:
    """Return keys of a name without its suffix, as written and as a number."""
    whole = _key(name)
    stem, suffix = os.path.splitext(whole)
    stem = stem if suffix in SUFFIXES else whole
    is_number = stem.isascii() and stem.isdecimal() and len(stem) <= MAX_DIGITS
    return (stem, f"number/{int(stem)}") if is_number else (stem,)


def _key(text: str) -> str:
    """Return a name as all systems compare it: macOS writes accents in another form."""
    return unicodedata.normalize("NFC", text).casefold()


def _parts(name: str) -> tuple[str, ...]:
    if "://" in name:
        name = name.partition("?")[0]
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _common_tail(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    pairs = zip(reversed(first), reversed(second), strict=False)
    equal = [_key(a) == _key(b) for a, b in pairs]
    return equal.index(False) if False in equal else len(equal)
