"""Cache of preprocessed images: an array that is made once and mapped afterwards."""

import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL

from ankleboot.core.errors import DataError
from ankleboot.core.files import (
    atomic_write,
    file_lock,
    make_folder,
    remove_temp_files,
    sha256_of,
    write_json,
)
from ankleboot.core.paths import cache_folder
from ankleboot.core.types import Pixels, SomeImages
from ankleboot.data.image_folder.listing import ImageFile
from ankleboot.data.load import Progress
from ankleboot.data.preprocessing.decode import decode, decode_bytes, formats_of
from ankleboot.data.preprocessing.preprocess import PREPROCESSING_VERSION, DecodedImage
from ankleboot.recipes.image_spec import ImageSpec

NUM_THREADS = min(8, os.cpu_count() or 1)  # Pillow releases the interpreter lock while it decodes
BLOCK_SIZE = 64  # images in memory at a time
INDEX = "index.json"  # written last: it marks a complete cache


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
    """Decode and preprocess images, or map the result of an earlier call.

    The name and hash of each image identify the result.

    Raises:
        EnvironmentFailure: If the cache cannot be written.
    """
    contents = [file.identity for file in files]
    key = [asdict(image_spec), [PIL.__version__, PREPROCESSING_VERSION], contents]
    folder = cache_folder("image-folders") / sha256_of(json.dumps(key).encode())[:32]
    make_folder(folder)
    with file_lock(folder / "lock"):
        cached = _read(folder, len(files))
        if cached is None:
            remove_temp_files(folder)
            progress(f"preprocessing {len(files):,} images, once: {image_spec}, {image_spec.crop}")
            _write(folder, files, image_spec)
            cached = _read(folder, len(files))
    if cached is None:
        raise DataError(f"{folder}: cannot be read though it was just written")
    return cached


def _read(folder: Path, num_files: int) -> CachedImages | None:
    """Map a complete cache; None if it is missing or damaged."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
        unreadable = {int(i): reason for i, reason in index["unreadable"].items()}
        digests = tuple(index["digests"])
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        smallest, largest = tuple(index["smallest"]), tuple(index["largest"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    if not len(images) == len(digests) == num_files - len(unreadable):
        return None
    return CachedImages(images, digests, unreadable, smallest, largest)


def _write(folder: Path, files: Sequence[ImageFile], image_spec: ImageSpec) -> None:
    digests: list[str] = []
    sizes: list[tuple[int, ...]] = []
    unreadable: dict[int, str] = {}

    def load(file: ImageFile) -> tuple[np.ndarray, str, tuple[int, ...]] | DataError:
        try:
            pixels = _decode(file)
            digest = sha256_of(repr(pixels.shape).encode() + pixels.tobytes())[:32]
            return DecodedImage(pixels).preprocess(image_spec), digest, pixels.shape[:2]
        except DataError as error:
            return error

    def write(temp: Path) -> None:
        with temp.open("wb") as file, ThreadPoolExecutor(NUM_THREADS, "decoding") as pool:
            _write_header(file, len(files), image_spec)
            start = file.tell()
            for first in range(0, len(files), BLOCK_SIZE):
                block = files[first : first + BLOCK_SIZE]
                for i, loaded in enumerate(pool.map(load, block), first):
                    if isinstance(loaded, DataError):
                        unreadable[i] = _reason(loaded, files[i])
                        continue
                    file.write(np.ascontiguousarray(loaded[0]).tobytes())
                    digests.append(loaded[1])
                    sizes.append(loaded[2])
            file.seek(0)
            _write_header(file, len(sizes), image_spec)
            if file.tell() != start:  # NumPy pads the header so that the count may change
                raise RuntimeError("the header changed its length")

    atomic_write(folder / "images.npy", write)
    by_area = sorted(set(sizes), key=math.prod) or [(0, 0)]
    index = {"digests": digests, "unreadable": unreadable}
    write_json(folder / INDEX, index | {"smallest": by_area[0], "largest": by_area[-1]})


def _decode(file: ImageFile) -> Pixels:
    if file.content is None:
        return decode(file.path)
    if isinstance(file.content, bytes):
        return decode_bytes(file.content, file.name, formats_of(file.content[:12], file.name))
    gray = file.content.ndim == 2
    return np.repeat(file.content[..., np.newaxis], 3, axis=2) if gray else file.content


def _reason(error: DataError, file: ImageFile) -> str:
    return str(error).removeprefix(f"{file.path}: ").removeprefix(f"{file.name}: ")


def _write_header(file: BinaryIO, num_images: int, image_spec: ImageSpec) -> None:
    header = {"descr": "|u1", "fortran_order": False}
    shape = (num_images, *image_spec.image_shape)
    np.lib.format.write_array_header_1_0(file, header | {"shape": shape})
