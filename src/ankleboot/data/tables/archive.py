"""Zip archives, unpacked into the cache within bounds."""

import os
import shutil
import stat
import uuid
import zipfile
from pathlib import Path, PurePosixPath

from ankleboot.core.errors import DataError, first_line
from ankleboot.core.files import DAMAGED_ZIP, file_lock, make_folder, sha256_of_file, write_failure
from ankleboot.core.paths import cache_folder
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.walk import IGNORED_FOLDERS, MAX_DEPTH

MAX_MEMBERS = 2_000_000
MAX_UNPACKED_BYTES = 64 * 2**30
MAX_RATIO = 200  # unpacked to packed bytes; tables of pixels reach 10 to 30
FREE_RATIO_BYTES = 100 * 2**20  # so much may be unpacked whatever the ratio
BLOCK_BYTES = 2**20


def unpack(path: Path) -> tuple[Path, list[str]]:
    """Unpack a zip archive into the cache, once; return the folder, and notes.

    Links, and files of systems, are left out.

    Raises:
        DataError: If it is damaged, encrypted, too large, or has names that lead outside.
        EnvironmentFailure: If the cache cannot be written.
    """
    try:
        base = cache_folder("unpacked")
        folder = base / sha256_of_file(path)[:32]
        with zipfile.ZipFile(path) as archive:
            members, notes = _members(path, archive)
            make_folder(base)
            with file_lock(base / f"{folder.name}.lock"):
                if not folder.is_dir():
                    _extract(path, archive, members, folder)
    except DAMAGED_ZIP as error:
        raise DataError(
            f"{path}: a damaged or encrypted zip archive ({first_line(error)})"
        ) from error
    return folder, notes


def _members(path: Path, archive: zipfile.ZipFile) -> tuple[list[zipfile.ZipInfo], list[str]]:
    """Check all names and sizes before anything is written."""
    members, links = [], []
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise DataError(f"{path}: {len(infos):,} files, allowed are {MAX_MEMBERS:,}")
    for info in infos:
        name = PurePosixPath(info.filename)
        is_odd = "\\" in info.filename or ":" in name.parts[0] if name.parts else True
        if is_odd or name.is_absolute() or ".." in name.parts or len(name.parts) > MAX_DEPTH:
            raise DataError(f"{path}: the name {info.filename!a} leads outside the archive")
        if stat.S_ISLNK(info.external_attr >> 16):
            links.append(info.filename)
        elif not info.is_dir() and not _is_ignored(name):
            members.append(info)
    size = sum(info.file_size for info in members)
    packed = max(path.stat().st_size, 1)
    if size > MAX_UNPACKED_BYTES or (size > FREE_RATIO_BYTES and size / packed > MAX_RATIO):
        raise DataError(
            f"{path}: {packed >> 20:,} MiB unpack to {size >> 20:,}; allowed are "
            f"{MAX_UNPACKED_BYTES >> 20:,} and {MAX_RATIO} times the size"
        )
    names = [name.encode("unicode_escape").decode() for name in links]
    return members, [f"links in the archive, left out: {join_names(names)}"] if links else []


def _is_ignored(name: PurePosixPath) -> bool:
    folders = (part.lower() for part in name.parts[:-1])
    return any(part in IGNORED_FOLDERS or part.startswith(".") for part in folders)


def _extract(
    path: Path, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path
) -> None:
    """Write the members beside the folder, which appears when all are complete."""
    temp = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        temp.mkdir()
        for info in members:
            target = temp.joinpath(*PurePosixPath(info.filename).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(target):
                raise DataError(f"{path}: the name {info.filename!a} occurs twice")
            with archive.open(info) as packed, target.open("wb") as file:
                remaining = info.file_size
                while block := packed.read(BLOCK_BYTES):
                    remaining -= len(block)
                    if remaining < 0:
                        raise DataError(f"{path}: {info.filename!a} is larger than it says")
                    file.write(block)
        temp.rename(folder)
    except OSError as error:
        raise write_failure(folder, error, None) from error
    finally:
        shutil.rmtree(temp, ignore_errors=True)
