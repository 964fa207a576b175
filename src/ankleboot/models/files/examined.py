"""Model files that this machine knows: it wrote them, or has examined them before.

Each has an empty file, named by its hash, in the state folder. So the examination of a stranger's
file (inference/admission.py) takes its time once. A state folder that cannot be written is no
error: the examination is then repeated by each process.
"""

from contextlib import suppress
from pathlib import Path

from ankleboot.core.errors import AnklebootError
from ankleboot.core.files import atomic_write, make_folder, sha256_of_file
from ankleboot.core.paths import state_folder
from ankleboot.models.files.checksums import METADATA_NAME
from ankleboot.models.files.keras_seal import model_sha256

VERSION = 1
"""Version of the examination; raise it when it learns to refuse more."""

_known = set[str]()  # to this process


def key_of(path: Path) -> str:
    """Return the hash by which a model is known.

    The checksums of a folder cover all of its files, and those of a `.keras` file the archive that
    Keras wrote: its metadata are checked whenever they are read.
    """
    if path.is_dir():
        return sha256_of_file(path / METADATA_NAME)
    return model_sha256(path) + path.suffix  # the same bytes may be two kinds of file


def is_known(key: str) -> bool:
    """Return whether this machine wrote or examined the model."""
    if key in _known:
        return True
    with suppress(AnklebootError, OSError):
        return (_folder() / key).is_file()
    return False


def remember(path: Path) -> None:
    """Note that this machine wrote a model."""
    with suppress(AnklebootError, OSError):  # a folder without checksums has no key
        remember_key(key_of(path))


def remember_key(key: str) -> None:
    """Note the hash of a model that this machine wrote or examined."""
    _known.add(key)
    with suppress(AnklebootError, OSError):
        make_folder(_folder())
        atomic_write(_folder() / key, b"")


def _folder() -> Path:
    return state_folder() / "examined" / str(VERSION)
