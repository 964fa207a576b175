"""Sources of Fashion-MNIST: local folders, mirrors and Debian's archive."""

import os
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from ankleboot.core.download import Source, download
from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.core.files import sha256_of
from ankleboot.core.paths import home_folder
from ankleboot.core.temporary import temp_folder
from ankleboot.data.fashion_mnist.debian import fetch_package
from ankleboot.data.fashion_mnist.find_idx import GZIP_MAGIC, find_idx_file
from ankleboot.data.fashion_mnist.idx import IdxFile, gunzip, verify

MAX_DOWNLOAD_BYTES = 64_000_000  # the largest file has 26 million bytes

FAILURE = (
    "no source has {name}: {causes}. "
    "Download the four files and pass their folder with --data, or use --data sample"
)

MIRRORS = (
    # the authors' bucket, by its https name
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)


class LocalFolder:
    """Folder on this machine with files `NAME` or `NAME.gz`, or the same content by other names."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def read(self, file: IdxFile) -> bytes:
        plain, packed = self.path / file.name, self.path / f"{file.name}.gz"
        path = plain if plain.is_file() else packed
        if not path.is_file():
            path = find_idx_file(self.path, file) or packed
        try:
            if path.stat().st_size > MAX_DOWNLOAD_BYTES:
                raise DataError(f"{path}: far larger than the expected {file.num_bytes} bytes")
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise EnvironmentFailure(f"{plain} and {packed.name}: not found") from error
        except OSError as error:
            raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
        is_packed = path == packed or content[:2] == GZIP_MAGIC
        raw = gunzip(content, file.num_bytes, str(path)) if is_packed else content
        verify(raw, file, str(path))
        return raw


class Mirror:
    """Web address of a folder of gzip files."""

    def __init__(self, url: str, schemes: tuple[str, ...] = ("https",)) -> None:
        self.name = self._url = url
        self._schemes = schemes

    def read(self, file: IdxFile) -> bytes:
        address = f"{self._url}{file.name}.gz"
        packed, url = download(address, MAX_DOWNLOAD_BYTES, schemes=self._schemes)
        raw = gunzip(packed, file.num_bytes, url)
        verify(raw, file, url)
        notes, host = [], urlsplit(url).netloc
        if host != urlsplit(address).netloc:
            notes.append(f"redirected to {host}")
        if sha256_of(packed) != file.gz_sha256:
            notes.append("recompressed, content verified")
        self.name = f"{self._url} ({'; '.join(notes)})" if notes else self._url
        return raw


class DebianArchive:
    """Debian's package dataset-fashion-mnist, downloaded once; `cleanup` removes the download."""

    name = "Debian package dataset-fashion-mnist"

    def __init__(self, cleanup: ExitStack) -> None:
        self._cleanup = cleanup
        self._folder: LocalFolder | None = None

    def read(self, file: IdxFile) -> bytes:
        if self._folder is None:
            folder = self._cleanup.enter_context(temp_folder())
            self._folder = LocalFolder(fetch_package(folder))
        return self._folder.read(file)


def folders_of_other_tools() -> list[Path]:
    """List the folders of Keras, torchvision and Debian for Fashion-MNIST."""
    home, keras_home = home_folder(), os.environ.get("KERAS_HOME")
    bases = [Path(keras_home)] if keras_home else [home / ".keras"] if home else []
    return [
        *(base / "datasets/fashion-mnist" for base in bases),
        Path("data/FashionMNIST/raw"),
        *([home / "data/FashionMNIST/raw"] if home else []),
        Path("/usr/share/datasets/fashion-mnist"),
    ]


def all_sources(cleanup: ExitStack) -> list[Source[IdxFile]]:
    """List every source except the cache, the cheapest first."""
    return [
        *(LocalFolder(path) for path in folders_of_other_tools() if path.is_dir()),
        *(Mirror(url) for url in MIRRORS),
        DebianArchive(cleanup),
    ]
