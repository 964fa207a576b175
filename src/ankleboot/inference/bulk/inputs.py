"""Paths of images and shards that the input names: files, folders, patterns and lists."""

import codecs
import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ankleboot.core.errors import UsageError
from ankleboot.core.paths import expand
from ankleboot.data.preprocessing.image_formats import SUFFIXES
from ankleboot.data.walk import IGNORED_FILES, walk
from ankleboot.inference.bulk.shards import SHARD_SUFFIXES, Log

STDIN, LIST_SUFFIX = "-", ".txt"
PACKED_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.zst")


def named_files(paths: Iterable[str], lines: Iterable[str], log: Log) -> Iterator[str]:
    """Yield the paths of images and shards that are named, or found in folders and lists.

    A line of a list that names nothing is yielded as it is, and fails when it is read.

    Raises:
        UsageError: If a named path or pattern leads to nothing, a list is empty, or a packed
            archive is named.
        DataError: If a folder cannot be searched.
    """
    for path in paths:
        if path == STDIN:
            yield from _files_of_lines("standard input", lines, log)
        elif path.lower().endswith(LIST_SUFFIX) and not os.path.isdir(path):
            try:
                with open(expand(path), encoding=_encoding(path), errors="surrogateescape") as file:
                    yield from _files_of_lines(path, file, log)
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror or error}") from error
        else:
            yield from _files_of_name(path, log)


def _encoding(path: str) -> str:
    """Return the encoding of a list; PowerShell writes UTF-16, others mark UTF-8."""
    with open(expand(path), "rb") as file:
        is_utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return "utf-16" if is_utf16 else "utf-8-sig"


def _files_of_lines(source: str, lines: Iterable[str], log: Log) -> Iterator[str]:
    is_empty = True
    for line in lines:
        if path := line.rstrip("\r\n"):
            is_empty = False
            path = os.fspath(expand(path))
            yield from _search(Path(path), log) if os.path.isdir(path) else [path]
    if is_empty:
        raise UsageError(f"{source}: no path in it")


def _files_of_name(path: str, log: Log) -> Iterator[str]:
    """Yield the files of a folder or pattern, or the path itself."""
    path = os.fspath(expand(path))
    if path.lower().endswith(PACKED_TARS):
        raise UsageError(
            f"{path}: a packed archive, which cannot be read from the middle; unpack it to .tar"
        )
    if os.path.isdir(path):
        yield from _search(Path(path), log)
    elif os.path.lexists(path):
        yield path
    else:
        matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
        if not matches:
            raise UsageError(f"{path}: no such file or folder")
        for match in matches:
            if not os.path.isdir(match):
                yield match
            elif "**" not in path:  # which matches the files in the folder as well
                yield from _search(Path(match), log)


def _search(folder: Path, log: Log) -> Iterator[str]:
    """Yield the images and shards below a folder; tell once how many other files there are."""
    others = Counter[str]()
    for entry in walk(folder, bounded=False):
        suffix = entry.path.suffix.lower()
        if entry.kind in ("file", "broken link"):
            if suffix in SUFFIXES or suffix in SHARD_SUFFIXES:
                yield os.fspath(entry.path)
            elif entry.path.name.lower() not in IGNORED_FILES:
                others[suffix or "no suffix"] += 1
    if others:
        kinds = ", ".join(f"{suffix} {count:,}" for suffix, count in others.most_common(3))
        log(f"{folder}: skipped, neither images nor shards: {others.total():,} ({kinds})")


def refuse_shards(paths: Iterable[str]) -> None:
    """Refuse paths that only a bulk prediction reads.

    Raises:
        UsageError: If there is one.
    """
    for path in paths:
        if path.lower().endswith((*SHARD_SUFFIXES, *PACKED_TARS, LIST_SUFFIX)):
            if not os.path.isdir(path):
                raise UsageError(
                    f"{path} is no image: an archive of images, or a list of paths, needs "
                    "--output FILE.parquet"
                )
