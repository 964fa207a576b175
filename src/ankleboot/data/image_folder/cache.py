"""Cache of preprocessed images: an array that is made once and mapped afterwards."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

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
from ankleboot.core.types import SomeImages
from ankleboot.data.preprocessing.decode import decode
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
        smallest: Height and width of the decoded image with the fewest pixels.
        largest: Height and width of the decoded image with the most pixels.
    """

    images: SomeImages
    digests: tuple[str, ...]
    unreadable: dict[int, str]
    smallest: tuple[int, int]
    largest: tuple[int, int]


def cache_images(
    paths: Sequence[Path],
    contents: Sequence[str],
    image_spec: ImageSpec,
    cache: Path,
    progress: Callable[[str], None],
) -> CachedImages:
    """Decode and preprocess image files, or map the result of an earlier call.

    Args:
        paths: Paths to the files.
        contents: Name and hash of each file, which identify the result.
        image_spec: Size, colors and crop of the images.
        cache: Path to the folder of results.
        progress: Function that receives a line before the work.

    Raises:
        EnvironmentFailure: If the cache cannot be written.
    """
    folder = cache / _key(contents, image_spec)
    make_folder(folder)
    with file_lock(folder / "lock"):
        cached = _read(folder, len(paths))
        if cached is None:
            remove_temp_files(folder)
            progress(f"preprocessing {len(paths):,} images, once: {image_spec}, {image_spec.crop}")
            _write(folder, paths, image_spec)
            cached = _read(folder, len(paths))
    if cached is None:
        raise DataError(f"{folder}: cannot be read though it was just written")
    return cached


def _key(contents: Sequence[str], image_spec: ImageSpec) -> str:
    """Name a cache by the files, the image spec and the version of the preprocessing."""
    made_by = [PIL.__version__, PREPROCESSING_VERSION]
    document = [asdict(image_spec), made_by, list(contents)]
    return sha256_of(json.dumps(document).encode())[:32]


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


def _write(folder: Path, paths: Sequence[Path], image_spec: ImageSpec) -> None:
    index: dict[str, Any] = {"digests": [], "unreadable": {}, "smallest": (0, 0), "largest": (0, 0)}
    sizes: list[tuple[int, ...]] = []

    def load(path: Path) -> tuple[np.ndarray, str, tuple[int, ...]] | DataError:
        try:
            pixels = decode(path)
            digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
            image = DecodedImage(pixels).preprocess(image_spec)
            return image, digest[:32], pixels.shape[:2]
        except DataError as error:
            return error

    def write(temp: Path) -> None:
        with temp.open("wb") as file, ThreadPoolExecutor(NUM_THREADS, "decoding") as pool:
            _write_header(file, len(paths), image_spec)
            start = file.tell()
            for first in range(0, len(paths), BLOCK_SIZE):
                block = paths[first : first + BLOCK_SIZE]
                for i, loaded in enumerate(pool.map(load, block), first):
                    if isinstance(loaded, DataError):
                        reason = str(loaded).removeprefix(f"{paths[i]}: ")
                        index["unreadable"][str(i)] = reason
                        continue
                    image, digest, size = loaded
                    file.write(np.ascontiguousarray(image).tobytes())
                    index["digests"].append(digest)
                    sizes.append(size)
            file.seek(0)
            _write_header(file, len(sizes), image_spec)
            if file.tell() != start:  # NumPy pads the header so that the count may change
                raise RuntimeError("the header changed its length")

    atomic_write(folder / "images.npy", write)
    if sizes:
        by_area = sorted(set(sizes), key=lambda size: size[0] * size[1])
        index["smallest"], index["largest"] = by_area[0], by_area[-1]
    write_json(folder / INDEX, index)


def _write_header(file: BinaryIO, num_images: int, image_spec: ImageSpec) -> None:
    shape = (num_images, *image_spec.image_shape)
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
