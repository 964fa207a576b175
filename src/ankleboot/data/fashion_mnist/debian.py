"""Fashion-MNIST from Debian's package archive, for machines that reach only a Debian mirror.

`apt-get download` and `dpkg-deb --extract` need no root. A bare image has no package lists; they
are fetched into a temporary folder, and the system stays unchanged.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from ankleboot.core.download import DownloadError

PACKAGE = "dataset-fashion-mnist"
STALL_TIMEOUT_S = 5.0  # without a new byte on the disk
APT_GET = (
    "apt-get -o Acquire::Retries=0 -o Acquire::http::Timeout=4 -o Acquire::https::Timeout=4"
).split()


class _Stalled(DownloadError):
    """No byte arrived for STALL_TIMEOUT_S."""


def fetch_package(folder: Path) -> Path:
    """Download and unpack the package below `folder`; return the folder with its gzip IDX files.

    Raises:
        DownloadError: If there is no apt-get, or it cannot fetch the package.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise DownloadError(f"Debian package {PACKAGE}: no apt-get on this system", dead=True)
    try:
        _run([*APT_GET, "download", PACKAGE], folder)
    except _Stalled:
        raise  # the network drops packets; another attempt would stall, too
    except DownloadError:
        options = _local_lists(folder)
        _run([*APT_GET, *options, "update"], folder)
        _run([*APT_GET, *options, "download", PACKAGE], folder)
    package = next(folder.glob(f"{PACKAGE}_*.deb"), None)
    if package is None:
        raise DownloadError(f"Debian package {PACKAGE}: apt-get delivered no file", dead=True)
    _run(["dpkg-deb", "--extract", str(package), str(folder / "unpacked")], folder)
    return folder / "unpacked/usr/share/datasets/fashion-mnist"


def _local_lists(folder: Path) -> list[str]:
    """Return options that keep package lists and caches below `folder`."""
    options = []
    for key in ("Dir::State::lists", "Dir::Cache"):
        path = folder / key.replace(":", "_")
        (path / "partial").mkdir(parents=True, exist_ok=True)
        options += ["-o", f"{key}={path}/"]
    return options


def _run(command: list[str], folder: Path) -> None:
    """Run a command in `folder`; kill it if no file grows there for STALL_TIMEOUT_S."""
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # the kill includes the children of apt-get
        )
        size, since = -1, time.monotonic()
        try:
            while process.poll() is None and time.monotonic() - since < STALL_TIMEOUT_S:
                time.sleep(0.05)
                if (now_size := _bytes_below(folder)) != size:
                    size, since = now_size, time.monotonic()
            stalled = process.poll() is None
        finally:  # also when interrupted: no process may outlive its folder
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if stalled:
            raise _Stalled(f"Debian package {PACKAGE}: {command[0]} stalled", dead=True)
    if process.returncode != 0:
        lines = log.read_text(errors="replace").strip().splitlines()
        reason = next((line for line in lines if line.startswith("E: ")), "E: no reason given")
        raise DownloadError(f"Debian package {PACKAGE}: {reason.removeprefix('E: ')}", dead=True)


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # a temporary file that apt-get has removed
            total += path.stat().st_size
    return total
