"""Decoding of image files to RGB, within bounds on bytes, pixels and time."""

import io
import os
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ankleboot.core.errors import DataError, first_line
from ankleboot.core.limits import MAX_PIXELS
from ankleboot.core.types import Pixels
from ankleboot.data.preprocessing.image_formats import IMAGE_FORMATS, SUFFIXES

PILLOW_FORMATS = tuple(entry.name for entry in IMAGE_FORMATS if not entry.extra)
MAX_FILE_BYTES = 100 * 2**20
MAX_SIDE = 65_535  # pixels, as in JPEG; a line one pixel wide takes three times the memory
MAX_SCANS = 100  # scans of a JPEG, usually ten; each of ten bytes makes a pass over all pixels
MAX_DECODED_SIDE = 640  # pixels; finer detail would not show in 28 pixels
BACKGROUND = (255, 255, 255)  # color behind transparent pixels
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


class TooLargeError(DataError):
    """Image with more bytes or pixels than are allowed."""


def decode(path: Path) -> Pixels:
    """Decode an image file, or the first frame of an animation, and turn it upright.

    Transparent pixels become white, 16-bit samples are scaled, and a side longer than 640 pixels
    is reduced to 640.

    Raises:
        DataError: If the file is missing, not regular, of an unknown format, damaged, or larger
            than 25 megapixels or 100 MiB.
    """
    try:
        if os.path.isdir(path):
            raise DataError(f"{path}: no images in this folder ({' '.join(sorted(SUFFIXES))})")
        if not os.path.isfile(path):  # a FIFO or device would block
            reason = "not a regular file" if os.path.lexists(path) else "no such file"
            raise DataError(f"{path}: {reason}")
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise TooLargeError(
                f"{path}: {size >> 20} MiB, more than the allowed {MAX_FILE_BYTES >> 20}"
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: damaged or unreadable image ({first_line(error)})") from error
    return decode_bytes(content, path, _formats(content[:12], path))


def decode_bytes(content: bytes, name: object, formats: tuple[str, ...]) -> Pixels:
    """Decode the content of an image file; see `decode`.

    Args:
        content: Bytes of the file.
        name: Name of the image in messages.
        formats: Pillow's names of the accepted formats.

    Raises:
        DataError: See `decode`; a `TooLargeError` for too many pixels.
    """
    if not content:
        raise DataError(f"{name}: an empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # metadata and sizes; _to_rgb checks sizes
            with Image.open(io.BytesIO(content), formats=formats) as image:
                if image.format in ("JPEG", "MPO"):
                    _check_scans(content, name)
                return _to_rgb(image, name)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        known = ", ".join(formats)
        raise DataError(f"{name}: not an image of a known format ({known})") from error
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"{name}: too many pixels, allowed are {MAX_PIXELS:,}") from error
    except Exception as error:  # decoders raise many types for damaged files
        raise DataError(f"{name}: damaged or unreadable image ({first_line(error)})") from error


def _formats(head: bytes, path: Path) -> tuple[str, ...]:
    if not (head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS):
        return PILLOW_FORMATS
    try:
        import pillow_heif
    except ModuleNotFoundError as error:
        raise DataError(f"{path}: HEIC needs pip install 'ankleboot[heif]'") from error
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _check_scans(content: bytes, name: object) -> None:
    """Refuse a small file that would take hours to decode."""
    if len(re.findall(rb"\xff\xda\x00[\x06\x08\x0a\x0c][\x01-\x04]", content)) > MAX_SCANS:
        raise DataError(f"{name}: a JPEG with more than {MAX_SCANS} scans")


def _to_rgb(image: Image.Image, name: object) -> Pixels:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise TooLargeError(f"{name}: {width} x {height} pixels, allowed are {MAX_PIXELS:,} in all")
    if max(width, height) > MAX_SIDE:
        raise TooLargeError(f"{name}: {width} x {height} pixels, allowed are {MAX_SIDE:,} a side")
    size = (MAX_DECODED_SIDE, MAX_DECODED_SIDE)
    image.draft("RGB", size)  # decodes JPEG at a fraction of its size
    image.load()
    orientation = _orientation(image)
    rgb = _without_alpha(_to_eight_bits(image))
    rgb.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(rgb if orientation is None else rgb.transpose(orientation))


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
