"""Decoding of image files to RGB, within bounds on bytes, pixels and time."""

import errno
import io
import math
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError, features

from ankleboot.core.errors import (
    AnklebootError,
    DataError,
    EnvironmentFailure,
    first_line,
    is_system_fault,
)
from ankleboot.core.files import read_failure
from ankleboot.core.git import LFS_POINTER
from ankleboot.core.image_limits import MAX_JPEG_PIXELS, MAX_PIXELS, MAX_PROGRESSIVE_PIXELS
from ankleboot.core.types import Pixels
from ankleboot.data.preprocessing.image_formats import IMAGE_FORMATS, SUFFIXES, UNREAD_FORMATS

PILLOW_FORMATS = tuple(entry.name for entry in IMAGE_FORMATS if not entry.extra)
MAX_HEIF_PIXELS = 60_000_000  # phones take 48 megapixels; the server does not read HEIC
MAX_FILE_BYTES = 100 * 2**20
MAX_SIDE = 65_535  # pixels, as in JPEG; a line one pixel wide takes three times the memory
MAX_SCANS = 100  # scans of a JPEG, usually ten; each of ten bytes makes a pass over all pixels
MAX_DECODED_SIDE = 640  # pixels; finer detail would not show in 28 pixels
BACKGROUND = (255, 255, 255)  # color behind transparent pixels
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL)
"""Errors of opening a path to no file: links in a circle, names that the system does not allow."""


class TooLargeError(DataError):
    """Image with more bytes or pixels than are allowed."""


def decode(path: Path) -> Pixels:
    """Decode an image file, or the first frame of an animation, and turn it upright.

    Transparent pixels become white, 16-bit samples are scaled, and a side longer than 640 pixels
    is reduced to 640.

    Raises:
        DataError: If the file is missing, not regular, of an unknown format, damaged, or larger
            than 25 megapixels (JPEG 120, HEIC 60) or 100 MiB.
        EnvironmentFailure: If it cannot be read, or the memory, a decoder or an extra is missing;
            the file itself may be good.
    """
    with open_image(path) as file:
        content = file.read()
    return decode_bytes(content, path, formats_of(content[:12], path))


@contextmanager
def open_image(path: Path) -> Iterator[io.BufferedReader]:
    """Open an image file, and tell apart what is wrong with it and with the system.

    Raises:
        DataError, EnvironmentFailure: See `decode`; also for errors of reading in the block.
    """
    try:
        mode, size = _status(path)
        if stat.S_ISDIR(mode):
            raise DataError(f"{path}: no images in this folder ({' '.join(sorted(SUFFIXES))})")
        if not stat.S_ISREG(mode):  # a FIFO or device would block
            raise DataError(f"{path}: not a regular file")
        if size > MAX_FILE_BYTES:
            raise TooLargeError(
                f"{path}: {size >> 20} MiB, more than the allowed {MAX_FILE_BYTES >> 20}"
            )
        with path.open("rb") as file:
            yield file
    except OSError as error:
        if error.errno in ABSENT:
            is_link = os.path.islink(path)
            target = "a link to a file that is missing (dvc pull, git annex get)"
            raise DataError(f"{path}: {target if is_link else 'no such file'}") from error
        raise read_failure(path, error) from error


def _status(path: Path) -> tuple[int, int]:
    """Return mode and size of a file."""
    try:
        status = path.stat()
    except ValueError as error:  # a NUL in the name
        raise DataError(f"{path}: no such file") from error
    return status.st_mode, status.st_size


def decode_bytes(content: bytes, name: object, formats: tuple[str, ...]) -> Pixels:
    """Decode the content of an image file; see `decode`.

    Args:
        content: Bytes of the file.
        name: Name of the image in messages.
        formats: Pillow's names of the accepted formats.

    Raises:
        DataError, EnvironmentFailure: See `decode`; a `TooLargeError` for too many pixels.
    """
    if not content:
        raise DataError(f"{name}: an empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # metadata and sizes; _to_rgb checks sizes
            with Image.open(io.BytesIO(content), formats=formats) as image:
                if image.format in ("JPEG", "MPO"):
                    _check_scans(content, name, math.prod(image.size))
                return _to_rgb(image, name)
    except AnklebootError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"{name}: {_unidentified(content, str(name), formats)}") from error
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"{name}: too many pixels, allowed are {MAX_PIXELS:,}") from error
    except Exception as error:  # decoders raise many types for damaged files
        if _is_of_system(error, formats):
            raise EnvironmentFailure(f"{name}: cannot be decoded ({first_line(error)})") from error
        raise DataError(f"{name}: damaged or unreadable image ({first_line(error)})") from error


def _is_of_system(error: Exception, formats: tuple[str, ...]) -> bool:
    """Check if the system made a decoder fail; a file that is good must not be blamed for it."""
    if isinstance(error, KeyError) and error.args[0] in formats:  # a plugin that was not loaded
        return True
    if isinstance(error, ImportError) or is_system_fault(error):
        return True
    return bool(re.search("out of memory|decoder .* not available", first_line(error)))


def formats_of(head: bytes, name: object) -> tuple[str, ...]:
    """Return Pillow's names of the formats that a file with these first twelve bytes may have.

    Raises:
        EnvironmentFailure: If the file is HEIC, AVIF or WebP and its decoder is not installed.
    """
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    other = "AVIF" if brand in AVIF_BRANDS else "WebP" if head[8:12] == b"WEBP" else ""
    if other and not features.check(other.lower()):
        raise EnvironmentFailure(
            f"{name}: {other}, which this Pillow cannot read: pip install -U pillow"
        )
    if brand not in HEIF_BRANDS:
        return PILLOW_FORMATS
    try:
        import pillow_heif
    except ImportError as error:
        raise EnvironmentFailure(f"{name}: HEIC needs pip install 'ankleboot[heif]'") from error
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _check_scans(content: bytes, name: object, num_pixels: int) -> None:
    """Refuse a small file that would take hours to decode."""
    allowed = min(MAX_SCANS, MAX_SCANS * MAX_PIXELS // max(num_pixels, 1))
    if len(re.findall(rb"\xff\xda\x00[\x06\x08\x0a\x0c][\x01-\x04]", content)) > allowed:
        raise DataError(f"{name}: a JPEG with more than {allowed} scans")


def _unidentified(content: bytes, name: str, formats: tuple[str, ...]) -> str:
    if content.startswith(LFS_POINTER):
        return "a Git LFS pointer in place of the file; run git lfs pull"
    if other := UNREAD_FORMATS.get(os.path.splitext(name)[1].lower()):
        return f"{other}, a format that is not read; convert it to PNG or JPEG"
    return f"not an image of a known format ({', '.join(formats)})"


def _to_rgb(image: Image.Image, name: object) -> Pixels:
    size = (MAX_DECODED_SIDE, MAX_DECODED_SIDE)
    whole = image.size
    image.draft("RGB", size)  # decodes JPEG at a fraction of its size
    _check_size(image, whole, name)
    image.load()
    orientation = _orientation(image)
    rgb = _without_alpha(_to_eight_bits(image))
    rgb.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(rgb if orientation is None else rgb.transpose(orientation))


def _check_size(image: Image.Image, whole: tuple[int, int], name: object) -> None:
    """Refuse too many pixels; `whole` is the size in the file, `image` has that of the draft."""
    width, height = whole
    is_jpeg, allowed = image.format in ("JPEG", "MPO"), MAX_PIXELS
    if is_jpeg:
        is_progressive = bool(image.info.get("progressive"))
        allowed = MAX_PROGRESSIVE_PIXELS if is_progressive else MAX_JPEG_PIXELS
    elif image.format == "HEIF":
        allowed = MAX_HEIF_PIXELS
    too_many = width * height > allowed or (is_jpeg and math.prod(image.size) > MAX_PIXELS)
    if too_many:
        raise TooLargeError(f"{name}: {width} x {height} pixels, allowed are {allowed:,} in all")
    if max(width, height) > MAX_SIDE:
        raise TooLargeError(f"{name}: {width} x {height} pixels, allowed are {MAX_SIDE:,} a side")


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """Return the transposition to upright, which EXIF implies; None if it is upright."""
    try:
        return _TRANSPOSE.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the pixels may be good though the metadata is damaged
        return None


_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale samples of more than eight bits, which Pillow would clip."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("samples that are not finite")
    if image.mode == "F":
        scale = 255.0 if values.max(initial=0) <= 1 else 1.0
    else:  # 16 bits; mode "I" may hold eight
        scale = 1 / 257 if image.mode != "I" or values.max(initial=0) > 255 else 1.0
    return Image.fromarray(np.clip(np.rint(values * scale), 0, 255).astype(np.uint8))


def _without_alpha(image: Image.Image) -> Image.Image:
    """Lay the image over white, and convert it to RGB."""
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        opaque = Image.new("RGBA", image.size, (*BACKGROUND, 255))
        return Image.alpha_composite(opaque, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
