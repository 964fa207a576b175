"""Where the bytes come from: folders, mirrors and Debian's archive, asked in order.

Whatever a source delivers counts only if its SHA-256 is right, so the order is one of cost, not of
trust. A source that cannot deliver raises an `AnklebootError` with the reason; all reasons are
listed when nothing is left to ask.
"""

import os
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, runtime_checkable

from ankleboot.data.debian import fetch_package
from ankleboot.data.download import DownloadError, download
from ankleboot.data.idx import IdxFile, gunzip, verify
from ankleboot.errors import AnklebootError, DataError, EnvironmentFailure
from ankleboot.files import sha256_of

MAX_DOWNLOAD_BYTES = 64_000_000  # the largest file has 26 million

MIRRORS = (
    # The bucket behind the authors' http address; asked by its https name.
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)


@runtime_checkable
class Source(Protocol):
    """Delivers the decompressed bytes of a file."""

    name: str

    def read(self, wanted: IdxFile) -> bytes:
        """Return the verified content, or raise an AnklebootError that says why not."""


class Folder:
    """Files that are already on this machine, as `NAME` or `NAME.gz`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def read(self, wanted: IdxFile) -> bytes:
        plain, packed = self.path / wanted.name, self.path / f"{wanted.name}.gz"
        path = plain if plain.is_file() else packed
        try:
            if path.stat().st_size > MAX_DOWNLOAD_BYTES:
                raise DataError(f"{path}: far larger than the expected {wanted.num_bytes} bytes")
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise EnvironmentFailure(f"{plain} and {packed.name}: not found") from error
        except OSError as error:
            raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
        raw = gunzip(content, wanted.num_bytes, str(path)) if path == packed else content
        verify(raw, wanted, str(path))
        return raw


class Mirror:
    """A web address below which the gzip files lie."""

    def __init__(self, url: str, schemes: tuple[str, ...] = ("https",)) -> None:
        self.name = url
        self._schemes = schemes
        self._dead = ""

    def read(self, wanted: IdxFile) -> bytes:
        if self._dead:  # one wait for a dead server is enough
            raise DownloadError(self._dead, dead=True)
        url = f"{self.name}{wanted.name}.gz"
        try:
            packed = download(url, MAX_DOWNLOAD_BYTES, schemes=self._schemes)
        except DownloadError as error:
            self._dead = str(error) if error.dead else ""
            raise
        raw = gunzip(packed, wanted.num_bytes, url)
        verify(raw, wanted, url)
        if sha256_of(packed) != wanted.gz_sha256:
            self.name = f"{url.rpartition('/')[0]}/ (recompressed there, content verified)"
        return raw


class DebianArchive:
    """The package dataset-fashion-mnist, downloaded at most once; close it to clean up."""

    name = "Debian package dataset-fashion-mnist"

    def __init__(self, cleanup: ExitStack) -> None:
        self._cleanup = cleanup
        self._folder: Folder | None = None
        self._dead = ""

    def read(self, wanted: IdxFile) -> bytes:
        if self._dead:
            raise DownloadError(self._dead, dead=True)
        if self._folder is None:
            folder = self._cleanup.enter_context(tempfile.TemporaryDirectory("-ankleboot"))
            try:
                self._folder = Folder(fetch_package(Path(folder)))
            except DownloadError as error:
                self._dead = str(error)
                raise
        return self._folder.read(wanted)


def folders_of_other_tools() -> list[Path]:
    """Where Keras, torchvision and Debian put Fashion-MNIST."""
    keras_home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return [
        keras_home / "datasets/fashion-mnist",
        Path("data/FashionMNIST/raw"),
        Path.home() / "data/FashionMNIST/raw",
        Path("/usr/share/datasets/fashion-mnist"),
    ]


def all_sources(cleanup: ExitStack) -> list[Source]:
    """Every source besides our cache, cheapest first."""
    return [
        *(Folder(path) for path in folders_of_other_tools() if path.is_dir()),
        *(Mirror(url) for url in MIRRORS),
        DebianArchive(cleanup),
    ]


def obtain(wanted: IdxFile, sources: Iterable[Source]) -> tuple[bytes, str]:
    """Ask the sources in order; return the verified bytes and the name of who had them.

    Raises:
        DataError: If nobody delivered and somebody delivered wrong content.
        EnvironmentFailure: If nobody delivered anything.
    """
    causes: list[AnklebootError] = []
    for source in sources:
        try:
            return source.read(wanted), source.name
        except AnklebootError as error:
            causes.append(error)
    kind = (
        DataError if any(isinstance(cause, DataError) for cause in causes) else EnvironmentFailure
    )
    reasons = "; ".join(str(cause) for cause in causes)
    raise kind(
        f"no source could give {wanted.name}: {reasons}. "
        "Get the four files elsewhere and pass their folder with --data, or use --data sample"
    )
