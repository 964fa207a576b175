"""LiteRT.js, the runtime of the offline page: downloaded once, verified by hash, cached.

The package does not include it (19 MB). It comes from npm with the user's settings, or from a
public content delivery network; files with other hashes are refused.
"""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ankleboot.core.download import DownloadError, complete, download
from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import DAMAGED_ZIP, sha256_of
from ankleboot.core.paths import cache_folder
from ankleboot.core.temporary import temp_folder

VERSION = "2.5.3"
CORE, UTILS = "@litertjs/core", "@litertjs/wasm-utils"
CDN = "https://cdn.jsdelivr.net/npm"
NPM_TIMEOUT_S = 120
MAX_BYTES = 20 * 2**20  # per file

FAILURE = f"cannot get LiteRT.js {VERSION}, which the web page needs: {{causes}}"


class RuntimeFile(NamedTuple):
    """File with its name in the page's folder and its path in an npm package."""

    name: str
    package: str
    path: str
    sha256: str


SHA256 = """\
e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3 index.js
e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2 wasm-utils.js
68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb litert_wasm_internal.js
7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614 litert_wasm_internal.wasm
4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5 litert_wasm_compat_internal.js
5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c litert_wasm_compat_internal.wasm
"""
"""Files with "compat" are for browsers without relaxed SIMD."""

ORIGINS = {"index.js": (CORE, "dist/index.js"), "wasm-utils.js": (UTILS, "dist/index.js")}
FILES = [
    RuntimeFile(name, *ORIGINS.get(name, (CORE, f"wasm/{name}")), sha256)
    for sha256, name in map(str.split, SHA256.splitlines())
]

NOTICE = f"""LiteRT.js {VERSION} ({CORE} and {UTILS} of npm)
Copyright Google LLC, Apache License 2.0: https://www.apache.org/licenses/LICENSE-2.0
https://github.com/google-ai-edge/LiteRT
Unchanged, but for the address of wasm-utils in index.js.
"""


def install_runtime(folder: Path) -> None:
    """Write the runtime's files into `folder`, which is created.

    Raises:
        EnvironmentFailure: If a file is not cached and neither npm nor the CDN has it.
    """
    folder.mkdir(exist_ok=True)
    for name, content in _contents().items():
        if name == "index.js":  # browsers import addresses, not package names
            content = content.replace(f'"{UTILS}"'.encode(), b'"./wasm-utils.js"')
        (folder / name).write_bytes(content)
    (folder / "NOTICE.txt").write_text(NOTICE)


def _contents() -> dict[str, bytes]:
    cache = _Cache(cache_folder(f"litertjs-{VERSION}"))
    try:
        return {file.name: cache.read(file) for file in FILES}
    except EnvironmentFailure:  # a cached file is missing or damaged
        complete(cache.path, FILES, lambda _: [cache, _Npm(), _Cdn()], FAILURE)
        return {file.name: cache.read(file) for file in FILES}


def _verified(content: bytes, file: RuntimeFile, origin: str) -> bytes:
    sha256 = sha256_of(content)
    if sha256 != file.sha256:
        raise EnvironmentFailure(
            f"{origin}: {file.name} has sha256 {sha256}, expected {file.sha256}"
        )
    return content


class _Cache:
    """Cached files."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def read(self, file: RuntimeFile) -> bytes:
        path = self.path / file.name
        try:
            return _verified(path.read_bytes(), file, self.name)
        except OSError as error:
            raise EnvironmentFailure(f"cannot read {path}: {error.strerror}") from error


class _Cdn:
    """Public content delivery network."""

    name = CDN

    def read(self, file: RuntimeFile) -> bytes:
        address = f"{CDN}/{file.package}@{VERSION}/{file.path}"
        return _verified(download(address, MAX_BYTES).content, file, self.name)


class _Npm:
    """The npm command with the user's registry, proxy and certificates."""

    name = "npm"

    def read(self, file: RuntimeFile) -> bytes:
        return _verified(self._files.get(file.name, b""), file, self.name)

    @cached_property
    def _files(self) -> dict[str, bytes]:
        npm = shutil.which("npm")
        if npm is None:
            raise DownloadError("npm is not installed", dead=True)
        with temp_folder() as folder:
            for package in (CORE, UTILS):
                _pack(npm, package, folder)
            try:
                return dict(_members(folder))
            except (*DAMAGED_ZIP, tarfile.TarError) as error:
                raise DownloadError(f"npm wrote a bad archive ({error})", dead=True) from error


def _pack(npm: str, package: str, folder: Path) -> None:
    """Download a package as a .tgz file into `folder`."""
    try:
        result = subprocess.run(
            [npm, "pack", "--loglevel=error", "--pack-destination=.", f"{package}@{VERSION}"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DownloadError(f"npm took more than {NPM_TIMEOUT_S} s", dead=True) from error
    except OSError as error:
        raise DownloadError(f"npm cannot be run ({error.strerror})", dead=True) from error
    if result.returncode:
        message = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise DownloadError(f"npm pack {package}: {message}", dead=True)


def _members(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file in the archives, without unpacking them to disk."""
    for file in FILES:
        packed = folder / f"{file.package.removeprefix('@').replace('/', '-')}-{VERSION}.tgz"
        with tarfile.open(packed) as archive:
            member = archive.extractfile(f"package/{file.path}")
            if member is not None:
                yield file.name, member.read(MAX_BYTES)
