"""Cache of preprocessed images: an array that is made once and mapped afterwards."""

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import PIL

from ankleboot.core.array_cache import RowWriter, cached_rows, rows_in_memory
from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.core.files import sha256_of
from ankleboot.core.paths import cache_folder
from ankleboot.core.progress import report_progress
from ankleboot.core.text import counted
from ankleboot.core.types import SomeImages
from ankleboot.data.image_folder.content import (
    NUM_THREADS,
    ChangedFileError,
    decode_hashed,
    reason_of,
)
from ankleboot.data.image_folder.listing import ImageFile
from ankleboot.data.load import Progress
from ankleboot.data.preprocessing.preprocess import PREPROCESSING_VERSION, DecodedImage
from ankleboot.recipes.image_spec import ImageSpec

BLOCK_SIZE = 64  # images in memory at a time


CROP_TEXTS = {
    "none": "whole photo",
    "garment": "garment",
    "cut-out": "garment on white",
    "both": "garment on white and whole photo",
}


@dataclass(frozen=True)
class CachedImages:
    """Preprocessed images in the order of their files.

    Attributes:
        images: Readable images, mapped from the disk.
        digests: Hash of each image's decoded pixels; equal for equal images in different files.
        unreadable: Reason for each file that cannot be decoded, by its index among all files.
        smallest, largest: Height and width of the decoded images with the fewest and most pixels.
    """

    images: SomeImages
    digests: tuple[str, ...]
    unreadable: dict[int, str]
    smallest: tuple[int, int]
    largest: tuple[int, int]


def cache_images(
    files: Sequence[ImageFile], image_spec: ImageSpec, progress: Progress
) -> CachedImages:
    """Decode and preprocess images that were hashed, or map the result of an earlier call.

    The name and hash of each image identify the result.

    Raises:
        DataError: If a file has changed since it was hashed.
        EnvironmentFailure: If an image cannot be decoded for a reason other than its content, or
            the disk is full.
    """
    rows = [i for i, file in enumerate(files) if not file.fault]
    hashed = [files[i] for i in rows]
    decoders = [PIL.__version__, _heif_version(), PREPROCESSING_VERSION]
    key = json.dumps([asdict(image_spec), decoders, [file.identity for file in hashed]])

    def make(images: RowWriter) -> Mapping[str, Any]:
        crop = CROP_TEXTS[image_spec.crop]
        progress(f"preprocessing {counted(len(hashed), 'image')}, once: {image_spec}, {crop}")
        return _preprocess(hashed, image_spec, images)

    try:
        path = cache_folder("image-folders") / sha256_of(key.encode())[:32]
    except EnvironmentFailure as error:  # the user has no home folder
        stored = rows_in_memory(image_spec.image_shape, "|u1", make, error)
    else:
        stored = cached_rows(path, key, image_spec.image_shape, "|u1", make)
    faults = {i: file.fault for i, file in enumerate(files) if file.fault}
    faults |= {rows[int(i)]: reason for i, reason in stored.notes["unreadable"].items()}
    return CachedImages(
        images=stored.array,
        digests=tuple(stored.notes["digests"]),
        unreadable=dict(sorted(faults.items())),
        smallest=tuple(stored.notes["smallest"]),
        largest=tuple(stored.notes["largest"]),
    )


def _heif_version() -> str:
    try:
        return version("pillow-heif")
    except PackageNotFoundError:
        return ""


def _preprocess(
    files: Sequence[ImageFile], image_spec: ImageSpec, images: RowWriter
) -> dict[str, Any]:
    """Append the images that can be read; return what is kept beside them."""
    digests: list[str] = []
    sizes: list[tuple[int, ...]] = []
    unreadable: dict[int, str] = {}

    def load(file: ImageFile) -> tuple[np.ndarray, str, tuple[int, ...]] | DataError:
        try:
            pixels = decode_hashed(file)
            digest = sha256_of(repr(pixels.shape).encode() + pixels.tobytes())[:32]
            return DecodedImage(pixels).preprocess(image_spec), digest, pixels.shape[:2]
        except ChangedFileError:
            raise
        except DataError as error:
            return error

    with ThreadPoolExecutor(NUM_THREADS, "decoding") as pool:
        for first in range(0, len(files), BLOCK_SIZE):
            block = files[first : first + BLOCK_SIZE]
            for i, loaded in enumerate(pool.map(load, block), first):
                if isinstance(loaded, DataError):
                    unreadable[i] = reason_of(loaded, files[i])
                    continue
                images.append(loaded[0][np.newaxis])
                digests.append(loaded[1])
                sizes.append(loaded[2])
            report_progress("images", min(first + BLOCK_SIZE, len(files)), len(files))
    by_area = sorted(set(sizes), key=math.prod) or [(0, 0)]
    notes = {"digests": digests, "unreadable": unreadable}
    return notes | {"smallest": by_area[0], "largest": by_area[-1]}
