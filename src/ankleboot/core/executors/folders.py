"""Folders as bytes, to bring them from another machine."""

import io
import shutil
import tarfile
from pathlib import Path

from ankleboot.core.files import make_folder, write_failure
from ankleboot.core.temporary import temp_folder


def pack_folder(folder: Path) -> bytes:
    """Return the files of a folder as an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()


def unpack_folder(archive: bytes, folder: Path) -> None:
    """Put the files of an archive in place of a folder, all at once.

    Raises:
        EnvironmentFailure: If the disk is full, or the folder cannot be written.
    """
    make_folder(folder.parent)
    try:
        with temp_folder(beside=folder) as parent:
            fresh = parent / "fresh"
            with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
                packed.extractall(fresh, filter="data")
            if folder.exists():
                shutil.move(folder, parent / "old")
            fresh.rename(folder)
    except OSError as error:
        raise write_failure(folder, error, None) from error
