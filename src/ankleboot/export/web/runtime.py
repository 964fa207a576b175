"""LiteRT.js, the runtime in the page: fetched once, checked file by file, kept in the cache.

It is not part of this package (19 MB). Whoever delivers it (npm with the user's own settings, or a
public content network), only files with these hashes are used.
"""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from ankleboot.data.download import DownloadError, download
from ankleboot.errors import EnvironmentFailure
from ankleboot.files import DAMAGED_ZIP, atomic_write, make_folder, sha256_of

VERSION = "2.5.3"
CORE, UTILS = "@litertjs/core", "@litertjs/wasm-utils"
CDN = "https://cdn.jsdelivr.net/npm"
NPM_SECONDS = 120
MAX_BYTES = 20 * 2**20  # of one file

FILES = {
    "index.js": (
        CORE,
        "dist/index.js",
        "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3",
    ),
    "wasm-utils.js": (
        UTILS,
        "dist/index.js",
        "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2",
    ),
    "litert_wasm_internal.js": (
        CORE,
        "wasm/litert_wasm_internal.js",
        "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
    ),
    "litert_wasm_internal.wasm": (
        CORE,
        "wasm/litert_wasm_internal.wasm",
        "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
    ),
    "litert_wasm_compat_internal.js": (
        CORE,
        "wasm/litert_wasm_compat_internal.js",
        "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
    ),
    "litert_wasm_compat_internal.wasm": (
        CORE,
        "wasm/litert_wasm_compat_internal.wasm",
        "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
    ),
}
"""Name in our folder: package, path in it, SHA-256. Browsers without relaxed SIMD take "compat"."""

NOTICE = f"""LiteRT.js {VERSION} ({CORE} and {UTILS} of npm)
Copyright Google LLC, Apache License 2.0: https://www.apache.org/licenses/LICENSE-2.0
https://github.com/google-ai-edge/LiteRT
Unchanged, but for the address of wasm-utils in index.js.
"""


def place(folder: Path) -> None:
    """Put the runtime into `folder`, which must exist.

    Raises:
        EnvironmentFailure: If it is not in the cache and nobody delivers it.
    """
    for name, content in _contents().items():
        if name == "index.js":  # a browser knows no packages, only addresses
            content = content.replace(f'"{UTILS}"'.encode(), b'"./wasm-utils.js"')
        (folder / name).write_bytes(content)
    (folder / "NOTICE.txt").write_text(NOTICE)


def cache_folder() -> Path:
    """Where the files are kept."""
    return Path(platformdirs.user_cache_dir("ankleboot")) / f"litertjs-{VERSION}"


def _contents() -> dict[str, bytes]:
    kept = cache_folder()
    found = _checked({name: kept / name for name in FILES})
    if len(found) == len(FILES):
        return found
    causes = []
    for source in (_from_npm, _from_cdn):
        try:
            found = source()
        except EnvironmentFailure as error:
            causes.append(str(error))
            continue
        make_folder(kept)
        for name, content in found.items():
            atomic_write(kept / name, content)
        return found
    raise EnvironmentFailure(
        f"cannot get LiteRT.js {VERSION}, which the web page runs on: {'; '.join(causes)}"
    )


def _checked(paths: dict[str, Path]) -> dict[str, bytes]:
    """The contents of those files that are there and have the right hash."""
    found = {}
    for name, path in paths.items():
        if path.is_file() and sha256_of(content := path.read_bytes()) == FILES[name][2]:
            found[name] = content
    return found


def _from_npm() -> dict[str, bytes]:
    """Ask npm, which knows the user's registry, proxy and certificates."""
    npm = shutil.which("npm")
    if npm is None:
        raise EnvironmentFailure("no npm here")
    with tempfile.TemporaryDirectory() as folder:
        for package in (CORE, UTILS):
            wanted = f"{package}@{VERSION}"
            try:
                done = subprocess.run(
                    [npm, "pack", "--loglevel=error", "--pack-destination=.", wanted],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    timeout=NPM_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise EnvironmentFailure(f"npm took more than {NPM_SECONDS} s") from error
            except OSError as error:
                raise EnvironmentFailure(f"npm cannot be run ({error.strerror})") from error
            if done.returncode:
                words = (done.stderr.strip().splitlines() or ["no message"])[-1]
                raise EnvironmentFailure(f"npm pack {package}: {words}")
        try:
            found = dict(_members(Path(folder)))
        except (*DAMAGED_ZIP, tarfile.TarError) as error:
            raise EnvironmentFailure(f"npm packed something else ({error})") from error
    return _all_of(found, "npm")


def _members(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Read our files out of the packed packages; nothing is unpacked to the disk."""
    for name, (package, path, _) in FILES.items():
        packed = folder / f"{package.removeprefix('@').replace('/', '-')}-{VERSION}.tgz"
        with tarfile.open(packed) as archive:
            member = archive.extractfile(f"package/{path}")
            if member is not None:
                yield name, member.read(MAX_BYTES)


def _from_cdn() -> dict[str, bytes]:
    found = {}
    for name, (package, path, _) in FILES.items():
        try:
            found[name] = download(f"{CDN}/{package}@{VERSION}/{path}", MAX_BYTES)
        except DownloadError as error:
            raise EnvironmentFailure(str(error)) from error
    return _all_of(found, CDN)


def _all_of(found: dict[str, bytes], source: str) -> dict[str, bytes]:
    for name, (_, _, expected) in FILES.items():
        got = sha256_of(found.get(name, b""))
        if got != expected:
            raise EnvironmentFailure(f"{source}: {name} has sha256 {got}, expected {expected}")
    return found
