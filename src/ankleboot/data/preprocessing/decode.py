"""Pictures as people have them, decoded within bounds to plain RGB."""

import io
import os
import re
import warnings
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ankleboot.core.errors import DataError, first_line
from ankleboot.core.limits import MAX_PIXELS
from ankleboot.core.types import Pixels

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff")
    + (".heic", ".heif")
)
"""Names by which folders are searched; a file named by the user is tried whatever its name."""

MAX_BYTES = 100 * 2**20
MAX_EDGE = 65_535  # as JPEG allows; a line one pixel wide takes three times the memory
MAX_SCANS = 100  # of a JPEG, usual are ten; each goes over all pixels again and may be ten bytes
MAX_SIDE = 640  # of what is returned: more would not be seen in 28 pixels
BACKGROUND = (255, 255, 255)  # what shows through transparent pixels
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


class TooLargeError(DataError):
    """A picture of more bytes or pixels than are allowed."""


def decode(path: Path) -> Pixels:
    """Return the picture (of an animation the first frame), turned as its camera was held.

    Transparent pixels show white, 16-bit ones are scaled, and sides are reduced to 640 pixels.

    Raises:
        DataError: If the file is missing, no regular file, no picture of a known format, damaged,
            or larger than 25 megapixels or 100 MiB.
    """
    try:
        if os.path.isdir(path):
            known = " ".join(sorted(SUFFIXES))
            raise DataError(f"{path}: no pictures in this folder ({known})")
        if not os.path.isfile(path):  # a FIFO or device would block
            reason = "not a regular file" if os.path.lexists(path) else "no such file"
            raise DataError(f"{path}: {reason}")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise TooLargeError(
                f"{path}: {size >> 20} MiB, more than the allowed {MAX_BYTES >> 20}"
            )
        with path.open("rb") as file:
            head = file.read(12)
            file.seek(0)
            return _decoded(file, _formats(head, path), path)
    except OSError as error:
        reason = first_line(error)
        raise DataError(f"{path}: damaged or unreadable picture ({reason})") from error


def decode_bytes(content: bytes, name: str, formats: tuple[str, ...]) -> Pixels:
    """As `decode`, of a file's content.

    Args:
        content: The file.
        name: For messages.
        formats: Pillow's names of those that are accepted.

    Raises:
        DataError: As `decode`; a `TooLargeError` for too many pixels.
    """
    return _decoded(io.BytesIO(content), formats, name)


def _decoded(
    file: io.BytesIO | io.BufferedReader, formats: tuple[str, ...], name: object
) -> Pixels:
    try:
        if not file.read(1):
            raise DataError(f"{name}: an empty file")
        file.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of doubtful metadata, and of sizes: see below
            with Image.open(file, formats=formats) as picture:
                if picture.format in ("JPEG", "MPO"):
                    _check_scans(file, name)
                return _to_rgb(picture, name)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        known = ", ".join(formats)
        raise DataError(f"{name}: not a picture of a known format ({known})") from error
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"{name}: too many pixels, allowed are {MAX_PIXELS:,}") from error
    except Exception as error:  # decoders raise many types for damaged files
        reason = first_line(error)
        raise DataError(f"{name}: damaged or unreadable picture ({reason})") from error


def _formats(head: bytes, path: Path) -> tuple[str, ...]:
    if not (head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS):
        return FORMATS
    try:
        import pillow_heif
    except ModuleNotFoundError as error:
        raise DataError(f"{path}: HEIC needs pip install 'ankleboot[heif]'") from error
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _check_scans(file: io.BytesIO | io.BufferedReader, name: object) -> None:
    """Refuse a small file that would keep a core busy for hours."""
    here = file.tell()
    file.seek(0)
    scans = re.finditer(rb"\xff\xda\x00[\x06\x08\x0a\x0c][\x01-\x04]", file.read())
    file.seek(here)
    if next(islice(scans, MAX_SCANS, None), None) is not None:
        raise DataError(f"{name}: a JPEG of more than {MAX_SCANS} scans")


def _to_rgb(picture: Image.Image, name: object) -> Pixels:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise TooLargeError(f"{name}: {width} x {height} pixels, allowed are {MAX_PIXELS:,} in all")
    if max(width, height) > MAX_EDGE:
        raise TooLargeError(f"{name}: {width} x {height} pixels, allowed are {MAX_EDGE:,} a side")
    picture.draft("RGB", (MAX_SIDE, MAX_SIDE))  # JPEG can be decoded at a fraction of its size
    picture.load()
    orientation = _orientation(picture)
    flat = _flat(_eight_bits(picture))
    flat.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    upright = flat.transpose(orientation) if orientation is not None else flat
    return np.asarray(upright)


def _orientation(picture: Image.Image) -> Image.Transpose | None:
    """How to turn the picture upright; cameras note in EXIF how they were held."""
    try:
        return _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged metadata is no reason to refuse the pixels
        return None


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Scale samples of more than eight bits; Pillow would clip them."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("samples that are not finite")
    if picture.mode == "F":
        scale = 255.0 if values.max(initial=0) <= 1 else 1.0
    else:  # 16 bits, whatever the file calls them; an "I" may hold eight
        scale = 1 / 257 if picture.mode != "I" or values.max(initial=0) > 255 else 1.0
    return Image.fromarray(np.clip(np.rint(values * scale), 0, 255).astype(np.uint8))


def _flat(picture: Image.Image) -> Image.Image:
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        opaque = Image.new("RGBA", picture.size, (*BACKGROUND, 255))
        return Image.alpha_composite(opaque, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")
