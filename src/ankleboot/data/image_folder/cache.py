"""Prepared pictures as one array in the cache: made once, mapped afterwards."""

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
from ankleboot.data.preprocessing import preprocess
from ankleboot.data.preprocessing.decode import decode
from ankleboot.models.pretrained.catalog import SEGMENTATION
from ankleboot.recipes.image_spec import ImageSpec

THREADS = min(8, os.cpu_count() or 1)  # Pillow lets others work while it decodes
BLOCK = 64  # pictures that are in memory at a time
INDEX = "index.json"  # written last: with it everything is there


@dataclass(frozen=True)
class CachedImages:
    """Pictures as a network wants them, in the order in which they were named.

    Attributes:
        images: Without the bad ones; mapped from the disk.
        digests: Of the decoded pixels of each; equal pictures have equal ones, whatever the file.
        bad: Why a picture cannot be decoded, by its place among all.
        smallest: Height and width of the smallest picture as decoded.
        largest: Likewise.
    """

    images: SomeImages
    digests: tuple[str, ...]
    bad: dict[int, str]
    smallest: tuple[int, int]
    largest: tuple[int, int]


def cached_images(
    paths: Sequence[Path],
    contents: Sequence[str],
    image_spec: ImageSpec,
    cache: Path,
    say: Callable[[str], None],
) -> CachedImages:
    """Decode and prepare pictures, or find that this was done before.

    Args:
        paths: The files.
        contents: Name and hash of each, which the result is known by.
        image_spec: What to make of them.
        cache: A folder to keep the result in.
        say: Called with a line before work that takes its time.

    Raises:
        EnvironmentFailure: If the cache cannot be written.
    """
    place = cache / _key(contents, image_spec)
    make_folder(place)
    with file_lock(place / "lock"):
        found = _kept(place, len(paths))
        if found is None:
            remove_temp_files(place)
            say(f"preparing {len(paths):,} pictures, once: {image_spec}, {image_spec.crop}")
            _make(place, paths, image_spec)
            found = _kept(place, len(paths))
    if found is None:
        raise DataError(f"{place}: cannot be read though it was just written")
    return found


def _key(contents: Sequence[str], image_spec: ImageSpec) -> str:
    """Changes with the pictures, with what is wanted of them, and with the code that makes it."""
    code = sorted(Path(preprocess.__file__).parent.glob("*.py"))
    if image_spec.crop == "garment":
        code.append(SEGMENTATION)  # the network that finds the garment
    made_by = [PIL.__version__, *(sha256_of(path.read_bytes()) for path in code)]
    document = [asdict(image_spec), made_by, list(contents)]
    return sha256_of(json.dumps(document).encode())[:32]


def _kept(place: Path, num: int) -> CachedImages | None:
    try:
        index = json.loads((place / INDEX).read_bytes())
        bad = {int(position): reason for position, reason in index["bad"].items()}
        digests = tuple(index["digests"])
        images = np.load(place / "images.npy", mmap_mode="r", allow_pickle=False)
        smallest, largest = tuple(index["smallest"]), tuple(index["largest"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None  # not there yet, or damaged
    if not len(images) == len(digests) == num - len(bad):
        return None
    return CachedImages(images, digests, bad, smallest, largest)


def _make(place: Path, paths: Sequence[Path], image_spec: ImageSpec) -> None:
    index: dict[str, Any] = {"digests": [], "bad": {}, "smallest": (0, 0), "largest": (0, 0)}
    sizes: list[tuple[int, ...]] = []

    def one(path: Path) -> tuple[np.ndarray, str, tuple[int, ...]] | DataError:
        try:
            pixels = decode(path)
            digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
            return preprocess.preprocess(pixels, image_spec), digest[:32], pixels.shape[:2]
        except DataError as error:
            return error

    def write(temp: Path) -> None:
        with temp.open("wb") as file, ThreadPoolExecutor(THREADS, "decoding") as pool:
            _header(file, len(paths), image_spec)
            start = file.tell()
            for first in range(0, len(paths), BLOCK):
                block = paths[first : first + BLOCK]
                for position, made in enumerate(pool.map(one, block), first):
                    if isinstance(made, DataError):
                        reason = str(made).removeprefix(f"{paths[position]}: ")
                        index["bad"][str(position)] = reason
                        continue
                    image, digest, size = made
                    file.write(np.ascontiguousarray(image).tobytes())
                    index["digests"].append(digest)
                    sizes.append(size)
            file.seek(0)
            _header(file, len(sizes), image_spec)
            if file.tell() != start:  # NumPy leaves room for the number to change
                raise RuntimeError("another length of header")

    atomic_write(place / "images.npy", write)
    if sizes:
        by_area = sorted(set(sizes), key=lambda size: size[0] * size[1])
        index["smallest"], index["largest"] = by_area[0], by_area[-1]
    write_json(place / INDEX, index)


def _header(file: BinaryIO, num: int, image_spec: ImageSpec) -> None:
    shape = (num, *image_spec.image_shape)
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
