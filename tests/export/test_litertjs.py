"""The runtime of the offline page: verified, cached, from npm or the CDN."""

import io
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.download import Download, DownloadError
from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import sha256_of
from ankleboot.export import litertjs

FAKE_FILES = {"index.js": b'import "@litertjs/wasm-utils"', "wasm-utils.js": b"export {}"}


@pytest.fixture
def small_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A runtime of two tiny files, an empty cache, no npm and no network."""
    files = tuple(
        litertjs.RuntimeFile(
            name,
            litertjs.CORE if name == "index.js" else litertjs.UTILS,
            name,
            sha256_of(content),
        )
        for name, content in FAKE_FILES.items()
    )
    monkeypatch.setattr(litertjs, "FILES", files)
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("shutil.which", lambda name: None)

    def closed(url: str, max_bytes: int) -> Download:
        raise DownloadError("the network is closed")

    monkeypatch.setattr(litertjs, "download", closed)
    return tmp_path / "runtime"


def deliver(url: str, max_bytes: int) -> Download:
    return Download(FAKE_FILES[url.rpartition("/")[2]], url)


def kept(small_runtime: Path) -> Path:
    """The folder of the runtime in the cache."""
    return small_runtime.with_name("cache") / f"litertjs-{litertjs.VERSION}"


def test_the_cache_lies_in_ankleboot_cache(
    small_runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litertjs, "download", deliver)
    litertjs.install_runtime(small_runtime)
    for name, content in FAKE_FILES.items():
        assert (kept(small_runtime) / name).read_bytes() == content


def test_a_failure_names_the_cause_of_every_source(small_runtime: Path) -> None:
    causes = r"cannot get LiteRT\.js .*index\.js: No such file.*; npm is not installed; the network"
    with pytest.raises(EnvironmentFailure, match=causes):
        litertjs.install_runtime(small_runtime)


def test_downloaded_files_are_cached(small_runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(litertjs, "download", deliver)
        litertjs.install_runtime(small_runtime)
    assert (small_runtime / "index.js").read_text() == 'import "./wasm-utils.js"'
    assert "Apache" in (small_runtime / "NOTICE.txt").read_text()
    litertjs.install_runtime(small_runtime)  # from the cache: the network is closed again


def test_files_with_another_hash_are_refused(
    small_runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litertjs, "download", lambda url, _: Download(b"evil()", url))
    with pytest.raises(EnvironmentFailure, match=r"index\.js has sha256 .*, expected"):
        litertjs.install_runtime(small_runtime)
    assert [path.name for path in kept(small_runtime).iterdir()] == ["lock"]


def test_a_damaged_cache_is_replaced(small_runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litertjs, "download", deliver)
    litertjs.install_runtime(small_runtime)
    victim = kept(small_runtime) / "wasm-utils.js"
    victim.write_bytes(b"damaged")
    litertjs.install_runtime(small_runtime)
    assert victim.read_bytes() == FAKE_FILES["wasm-utils.js"]


def test_files_missing_from_npm_come_from_the_cdn(
    small_runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """npm runs once, not once per file."""
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/npm")
    asked = []

    def fail(command: list[str], **rest: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command[-1])
        return subprocess.CompletedProcess(command, 1, "", "no such package")

    monkeypatch.setattr("subprocess.run", fail)
    monkeypatch.setattr(litertjs, "download", deliver)
    litertjs.install_runtime(small_runtime)
    assert asked == [f"{litertjs.CORE}@{litertjs.VERSION}"]
    assert (small_runtime / "wasm-utils.js").read_bytes() == FAKE_FILES["wasm-utils.js"]


def test_a_read_only_cache_serves_what_it_holds(
    small_runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(litertjs, "download", deliver)
        litertjs.install_runtime(small_runtime)
    monkeypatch.setattr("filelock.FileLock.acquire", lambda lock: pytest.fail("locked"))
    litertjs.install_runtime(small_runtime)


def test_npm_runs_with_the_users_settings(
    small_runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tarfile

    def pack(command: list[str], cwd: str, **rest: Any) -> subprocess.CompletedProcess[str]:
        package = command[-1].rpartition("@")[0]
        name = f"{package.removeprefix('@').replace('/', '-')}-{litertjs.VERSION}.tgz"
        with tarfile.open(Path(cwd) / name, "w:gz") as archive:
            for path, content in FAKE_FILES.items():
                member = tarfile.TarInfo(f"package/{path}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/npm")
    monkeypatch.setattr("subprocess.run", pack)
    litertjs.install_runtime(small_runtime)
    assert (small_runtime / "wasm-utils.js").read_bytes() == FAKE_FILES["wasm-utils.js"]


def test_an_npm_that_fails_is_quoted(small_runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/npm")
    failed = subprocess.CompletedProcess([], 1, "", "npm error 404\nno such package")
    monkeypatch.setattr("subprocess.run", lambda *a, **k: failed)
    with pytest.raises(EnvironmentFailure, match="npm pack @litertjs/core: no such package"):
        litertjs.install_runtime(small_runtime)
