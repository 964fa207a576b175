"""Zip archives, unpacked into the cache within bounds."""

import os
import re
import shutil
import stat
import uuid
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from ankleboot.core.cache_limit import folder_lock_path, make_room_for_folder, mark_used
from ankleboot.core.errors import DataError, EnvironmentFailure, first_line, is_system_fault
from ankleboot.core.files import (
    DAMAGED_ZIP,
    file_lock,
    make_folder,
    sha256_of,
    sha256_of_file,
    write_failure,
)
from ankleboot.core.paths import cache_folder
from ankleboot.core.sealed import DamagedError, warn_of_damage
from ankleboot.core.temporary import remove_tree
from ankleboot.data.image_folder.report import join_names
from ankleboot.data.tables.file_splits import files_beside, split_of_file
from ankleboot.data.walk import IGNORED_FOLDERS, MAX_DEPTH

MAX_MEMBERS = 2_000_000
MAX_UNPACKED_BYTES = 64 * 2**30
MAX_RATIO = 200  # unpacked to packed bytes; tables of pixels reach 10 to 30
FREE_RATIO_BYTES = 100 * 2**20  # so much may be unpacked whatever the ratio
BLOCK_BYTES = 2**20
NUM_THREADS = min(8, os.cpu_count() or 1)
ENCRYPTED, UTF8 = 1, 0x800  # bits of a member's flags
PART = re.compile(r"[-_ ]\d{3,}$")  # at the end of the name, as downloads in parts have it
DRIVE = re.compile(r"[A-Za-z]:")  # of Windows

Contents = list[tuple[Path, str, dict[PurePosixPath, zipfile.ZipInfo]]]
"""Archives with the folders that they become, and their members."""


def places_of_archives(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the folder that each of several archives becomes; "" for one that stays as it is.

    The parts of one archive (pets-001.zip, pets-002.zip) are one folder; train.zip and test.zip
    are splits, and others have their names (Class 1-samples.zip of Teachable Machine: Class 1).
    """
    if len({PART.sub("", path.stem) for path in paths}) == 1:
        return dict.fromkeys(paths, "")
    splits = {path: split_of_file(path) for path in paths}
    return {
        path: split or re.sub(r"[-_ ]samples$", "", path.stem) for path, split in splits.items()
    }


def note_parts(path: Path) -> list[str]:
    """Name the archives beside one that are parts of the same download by their names."""
    if not PART.search(path.stem):
        return []
    stem = PART.sub("", path.stem)
    others = [
        other.name
        for other in files_beside(path)[1:]
        if other.suffix.lower() == ".zip" and PART.search(other.stem)
        and PART.sub("", other.stem) == stem
    ]  # fmt: skip
    text = "parts of the same download by their names, not read; name the folder to read all"
    return [f"{text}: {join_names(others)}"] if others else []


def unpack(places: Mapping[Path, str]) -> tuple[Path, list[str]]:
    """Unpack zip archives into one folder of the cache, once; return the folder, and notes.

    Links, and files of systems, are left out. A folder from an earlier call counts if its files
    have the sizes and checksums of the archives.

    Args:
        places: Folder of the content by archive, "" for none.

    Raises:
        DataError: If one is damaged, encrypted, too large, or has names that lead outside.
        EnvironmentFailure: If one cannot be read, or the cache cannot be written.
    """
    base = cache_folder("unpacked")
    path, notes = next(iter(places)), []
    contents: Contents = []
    try:
        hashes = [sha256_of_file(path) for path in places]
        for path, place in places.items():
            with zipfile.ZipFile(path) as archive:
                members, more = _members(path, archive)
            contents.append((path, place, members))
            notes += more
        key = (
            hashes[0]
            if len(places) == 1
            else sha256_of(repr((hashes, [*places.values()])).encode())
        )
        folder = base / key[:32]
        if not _is_complete(contents, folder):
            make_folder(base)
            with file_lock(folder_lock_path(folder)):
                if not _is_complete(contents, folder):  # another process may have unpacked it
                    if folder.exists():
                        warn_of_damage(folder, DamagedError("is not what the archive holds"))
                    make_room_for_folder(folder)
                    _extract(contents, folder)
        mark_used(folder)
    except DAMAGED_ZIP as error:
        if is_system_fault(error):
            raise EnvironmentFailure(f"cannot read {path}: {first_line(error)}") from error
        raise DataError(f"{path}: a damaged zip archive ({first_line(error)})") from error
    return folder, notes


def _members(
    path: Path, archive: zipfile.ZipFile
) -> tuple[dict[PurePosixPath, zipfile.ZipInfo], list[str]]:
    """Check all names and sizes before anything is written."""
    members, links, garbled = {}, [], []
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise DataError(f"{path}: {len(infos):,} files, allowed are {MAX_MEMBERS:,}")
    for info in infos:
        text, is_garbled = _name(info)
        name = PurePosixPath(text)
        is_odd = not name.parts or name.is_absolute() or DRIVE.match(text) or ".." in name.parts
        if is_odd or len(name.parts) > MAX_DEPTH:
            raise DataError(f"{path}: the name {info.filename!a} leads outside the archive")
        if info.flag_bits & ENCRYPTED:
            raise DataError(
                f"{path}: encrypted; unpack it with its password, and name the folder with --data"
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            links.append(text)
        elif not text.endswith("/") and not _is_ignored(name):
            if name in members:
                raise DataError(f"{path}: the name {info.filename!a} occurs twice")
            members[name] = info
            garbled += [text] if is_garbled else []
    _check_size(path, members.values())
    return members, _notes(links, garbled)


def _name(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """Return a name with slashes, and whether its letters are unknown.

    Names without the mark of UTF-8 are read as the DOS code page 437; many programs write UTF-8.
    """
    text, is_garbled = info.filename, False
    if not info.flag_bits & UTF8 and not text.isascii():
        try:
            text = text.encode("cp437").decode("utf-8")
        except UnicodeError:
            is_garbled = True
    return text.replace("\\", "/"), is_garbled


def _check_size(path: Path, members: Collection[zipfile.ZipInfo]) -> None:
    size = sum(info.file_size for info in members)
    packed = max(path.stat().st_size, 1)
    if size > MAX_UNPACKED_BYTES or (size > FREE_RATIO_BYTES and size / packed > MAX_RATIO):
        raise DataError(
            f"{path}: {packed >> 20:,} MiB unpack to {size >> 20:,}; allowed are "
            f"{MAX_UNPACKED_BYTES >> 20:,} and {MAX_RATIO} times the size"
        )


def _notes(links: list[str], garbled: list[str]) -> list[str]:
    kinds = {
        "links in the archive, left out": links,
        "names in the archive that are neither UTF-8 nor marked, so their letters may be wrong; "
        "unpack it yourself if a class is named so": garbled,
    }
    return [
        f"{text}: {join_names([name.encode('unicode_escape').decode() for name in names])}"
        for text, names in kinds.items()
        if names
    ]


def _is_ignored(name: PurePosixPath) -> bool:
    folders = (part.lower() for part in name.parts[:-1])
    return any(part in IGNORED_FOLDERS or part.startswith(".") for part in folders)


def _is_complete(contents: Contents, folder: Path) -> bool:
    """Check that a folder holds the members of the archives, and no other file."""
    expected = {
        folder.joinpath(place, *name.parts): info
        for _, place, members in contents
        for name, info in members.items()
    }
    found = {path for path in folder.rglob("*") if not path.is_dir()}
    if not folder.is_dir() or found != expected.keys():
        return False
    with ThreadPoolExecutor(NUM_THREADS, "checking") as pool:
        return all(pool.map(_is_member, *zip(*expected.items(), strict=True)))


def _is_member(path: Path, info: zipfile.ZipInfo) -> bool:
    checksum, size = 0, 0
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                checksum, size = zlib.crc32(block, checksum), size + len(block)
    except OSError:  # it is unpacked again
        return False
    return (checksum, size) == (info.CRC, info.file_size)


def _extract(contents: Contents, folder: Path) -> None:
    """Write the members beside the folder, which appears when all are complete."""
    temp = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        for left in (folder, *folder.parent.glob(f".{folder.name}.*.tmp")):
            if left.exists():  # incomplete, or of a process that was killed
                shutil.rmtree(left)
        temp.mkdir()
        for path, place, members in contents:
            with zipfile.ZipFile(path) as archive:
                for name, info in members.items():
                    _write_member(path, archive, info, temp.joinpath(place, *name.parts))
        temp.rename(folder)
    except OSError as error:
        raise write_failure(folder, error, None) from error
    finally:
        remove_tree(temp)


def _write_member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        raise DataError(f"{path}: the name {info.filename!a} occurs twice")
    with archive.open(info) as packed, target.open("wb") as file:
        remaining = info.file_size
        while block := packed.read(BLOCK_BYTES):
            remaining -= len(block)
            if remaining < 0:
                raise DataError(f"{path}: {info.filename!a} is larger than its header states")
            file.write(block)
