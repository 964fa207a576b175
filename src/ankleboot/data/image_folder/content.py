"""Bytes of images: hashed first, and compared with the hash when they are decoded."""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.files import sha256_of
from ankleboot.core.types import Pixels
from ankleboot.data.image_folder.listing import ImageFile
from ankleboot.data.preprocessing.decode import decode_bytes, formats_of, open_image

NUM_THREADS = min(8, os.cpu_count() or 1)  # Pillow releases the interpreter lock while it decodes


class ChangedFileError(DataError):
    """File whose bytes are not those that were hashed."""


def hash_images(images: Iterable[ImageFile]) -> list[ImageFile]:
    """Add the hash and size of each image, or why it is none.

    Raises:
        EnvironmentFailure: If a file cannot be read for a reason other than its content.
    """
    with ThreadPoolExecutor(NUM_THREADS, "hashing") as pool:
        return list(pool.map(_hashed, images))


def _hashed(image: ImageFile) -> ImageFile:
    if isinstance(image.content, bytes):
        sha256, num_bytes = sha256_of(image.content), len(image.content)
        return replace(image, sha256=sha256, num_bytes=num_bytes)
    if image.content is not None:
        pixels = np.ascontiguousarray(image.content)
        sha256 = sha256_of(repr(pixels.shape).encode() + pixels.tobytes())
        return replace(image, sha256=sha256, num_bytes=pixels.nbytes)
    try:
        with open_image(image.path) as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            return replace(image, sha256=sha256, num_bytes=file.tell())
    except DataError as error:
        return replace(image, fault=reason_of(error, image))


def decode_hashed(file: ImageFile) -> Pixels:
    """Decode the bytes that were hashed.

    Raises:
        ChangedFileError: See `read_hashed`.
        DataError, EnvironmentFailure: See `decode`.
    """
    if isinstance(file.content, np.ndarray):
        gray = file.content.ndim == 2
        return np.repeat(file.content[..., np.newaxis], 3, axis=2) if gray else file.content
    if file.content is not None:
        content, name = file.content, file.name
    else:
        content, name = read_hashed(file), str(file.path)
    return decode_bytes(content, name, formats_of(content[:12], name))


def read_hashed(file: ImageFile) -> bytes:
    """Read the bytes that were hashed.

    Raises:
        ChangedFileError: If the file has other bytes now, or is gone.
        EnvironmentFailure: If it cannot be read.
    """
    try:
        with open_image(file.path) as opened:
            content = opened.read()
    except DataError as error:  # it was a file when it was hashed
        raise ChangedFileError(f"{error}, though it was there at the start") from error
    if sha256_of(content) != file.sha256:
        raise ChangedFileError(f"{file.path}: changed while it was read; run the command again")
    return content


def reason_of(error: DataError, file: ImageFile) -> str:
    """Return why an image cannot be read, without its name."""
    return str(error).removeprefix(f"{file.path}: ").removeprefix(f"{file.name}: ")
