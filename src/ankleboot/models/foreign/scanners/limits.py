"""Limits of what a model file may declare."""

import math
from collections.abc import Iterable
from pathlib import Path

from ankleboot.core.errors import ModelError
from ankleboot.core.files import total_bytes
from ankleboot.models.files.checksums import MAX_FOLDER_BYTES

SCAN_BYTES = 700 * 2**20  # of memory for the scan of a small file
MAX_BYTES = MAX_FOLDER_BYTES  # of a file, and of the arrays it declares; VGG16 has 0.6 GB
MAX_CONFIG_BYTES = 10 * 2**20
MAX_PACKING = 20  # declared bytes by stored byte; weights pack to about 0.9
SMALL_BYTES = 50 * 2**20  # that may be packed more
MAX_INPUT_VALUES = 3 * 1024**2  # of an image
MIN_TENSOR_VALUES, MAX_TENSOR_VALUES = 2**22, 2**25  # the first allows VGG16 on enlarged images
VALUES_PER_INPUT = 128  # of the widest feature maps; those of ResNet-50 have 16 per RGB value


def check_packing(declared: int, stored: int, name: str) -> None:
    """Refuse arrays or members that unpack to far more than the file holds."""
    if declared > MAX_BYTES or declared > max(SMALL_BYTES, MAX_PACKING * stored):
        raise ModelError(f"{name} declare {declared:,} bytes and hold {stored:,}")


def most_values(input_shape: Iterable[int]) -> int:
    """Return the number of values that a tensor between layers may have for one image.

    Raises:
        ModelError: If the input itself is larger than any image.
    """
    num = math.prod(input_shape)
    if num > MAX_INPUT_VALUES:
        raise ModelError(f"its input has {num:,} values; at most {MAX_INPUT_VALUES:,} are allowed")
    return min(MAX_TENSOR_VALUES, max(MIN_TENSOR_VALUES, VALUES_PER_INPUT * num))


def check_values(shape: Iterable[int], most: int, name: str) -> None:
    """Refuse a tensor with more values for one image than `most`."""
    sizes = tuple(shape)
    if math.prod(sizes) > most or any(size > most for size in sizes):
        raise ModelError(f"its tensor {name} has the shape {sizes}, more than {most:,} values")


def scan_memory(path: Path) -> int:
    """Return the bytes that a scan may take beside those of its process; it holds a file twice."""
    return SCAN_BYTES + 2 * total_bytes(path)
