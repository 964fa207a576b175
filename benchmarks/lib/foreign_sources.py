"""Packages that ship images without garments: fetched by name and version, unpacked into a cache.

    root = fetch("scikit-image", SOURCES["scikit-image"], Path("cache"))

Each source is one package file, known by its SHA-256.
"""

import contextlib
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.core.files import sha256_of_file

SUFFIXES = {".gif", ".jpg", ".png", ".ttf", ".webp"}
TIME_LIMIT_S = 1800
WHEEL = ("pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
COMMANDS = {
    "apt-get": ("apt-get", "download", "{name}={version}"),
    "npm": ("npm", "pack", "--silent", "{name}@{version}"),
    "pip": (*WHEEL, "--only-binary=:all:", "{name}=={version}"),
    "pip for CPython 3.8": (
        *(*WHEEL, "--only-binary=:all:", "--python-version=3.8", "--implementation=cp"),
        *("--abi=cp38", "--platform=manylinux1_x86_64", "{name}=={version}"),
    ),
}
"""Command of each client, which leaves one file in its working folder."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Package that holds images."""

    client: str  # key of COMMANDS
    version: str
    sha256: str
    root: str  # folder of the images in the package
    licence: str
    author: str


def fetch(name: str, source: Source, cache: Path) -> Path:
    """Return the folder of a source's images, which it downloads once.

    Raises:
        EnvironmentFailure: If the client is missing or fails, or the file is not the expected one.
    """
    folder = cache / f"{name}-{source.sha256[:12]}"
    if not folder.is_dir():
        archive = _download(name, source, cache)
        if (found := sha256_of_file(archive)) != source.sha256:
            raise EnvironmentFailure(
                f"{name} {source.version}: expected SHA-256 {source.sha256[:12]}..., got "
                f"{found[:12]}... in {archive}; delete this file and try again, or leave the "
                f"source out with --without {name}"
            )
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        _unpack(archive, part)
        part.replace(folder)
    return folder / source.root


def matching(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the files below a root that any pattern matches, sorted, each once.

    Raises:
        DataError: If a pattern matches nothing.
    """
    found: set[Path] = set()
    for pattern in patterns:
        files = {path for path in root.glob(pattern) if path.is_file()}
        if not files:
            raise DataError(f"{pattern} matches no image in {root}")
        found |= files
    return sorted(found)


def _download(name: str, source: Source, cache: Path) -> Path:
    folder = cache / f"{name}-{source.sha256[:12]}.download"
    if not any(folder.glob("*")):
        folder.mkdir(parents=True, exist_ok=True)
        parts = COMMANDS[source.client]
        command = [part.format(name=name, version=source.version) for part in parts]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT_S
            )
            reason = "" if done.returncode == 0 else (done.stderr or done.stdout).strip()
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
        if reason or not any(folder.glob("*")):
            last = reason.splitlines()[-1] if reason else "it wrote no file"
            raise EnvironmentFailure(
                f"cannot fetch {name} {source.version} with {command[0]}: {last}; leave the source "
                f"out with --without {name}"
            )
    (archive,) = folder.glob("*")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    for name, content in _members(archive):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)


def _members(archive: Path) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """Yield the images and fonts of a wheel, an npm package or a Debian package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in filter(_is_wanted, wheel.namelist()):
                yield PurePosixPath(name), wheel.open(name)
        return
    with contextlib.ExitStack() as stack:
        if archive.suffix == ".deb":
            command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
            child = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            tar = stack.enter_context(tarfile.open(fileobj=child.stdout, mode="r|"))
        else:
            tar = stack.enter_context(tarfile.open(archive))
        for member in tar:
            if member.isfile() and _is_wanted(member.name):
                yield PurePosixPath(member.name), cast(IO[bytes], tar.extractfile(member))


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    is_inside = not path.is_absolute() and ".." not in path.parts
    return is_inside and path.suffix.lower() in SUFFIXES
