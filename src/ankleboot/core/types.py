"""Types of arrays, with their shapes.

The tests check these types at run time (`--jaxtyping-packages` in pyproject.toml); elsewhere they
cost no time. Height and width are those of the data set: 28 x 28 in Fashion-MNIST, and the image
spec of the recipe for image folders.
"""

import base64
import io
import math
from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Float, Float32, Int64, Integer, UInt8, UInt64

NUM_CLASSES = 10  # of Fashion-MNIST
IMAGE_SIZE = 28  # pixels per side, of Fashion-MNIST

Images = UInt8[np.ndarray, "n height width"] | UInt8[np.ndarray, "n height width 3"]
"""Stored images, gray or RGB: 0 is black (background of Fashion-MNIST), 255 the brightest."""

SomeImages = UInt8[np.ndarray, "_ height width"] | UInt8[np.ndarray, "_ height width 3"]
"""Images of any number: `_` may differ from the `n` of other arguments."""

Image = UInt8[np.ndarray, "height width"] | UInt8[np.ndarray, "height width 3"]
"""One image."""

Mask = UInt8[np.ndarray, "rows columns"]
"""Mask of a garment on an image stretched to a square; 255 is surely garment."""

Pixels = UInt8[np.ndarray, "_ _ 3"]
"""Decoded RGB image of any size."""

Inputs = Float32[np.ndarray, "n height width channels"]
"""Inputs of a model: pixels in [0, 1] with one or three channels."""

Features = Float32[np.ndarray, "n filters"]
"""Features of images, computed by a backbone."""

Labels = Integer[np.ndarray, " n"]
"""Class indices from 0."""

OneHot = Float32[np.ndarray, "n classes"]
Probs = Float[np.ndarray, "n classes"]
"""One row per image; each row sums to 1."""

Maps = Float32[np.ndarray, "n height width"]
"""Contribution of each pixel for (positive) or against a class."""

Losses = Float32[np.ndarray, " images"]
"""Cross-entropy of each image, in nats."""

Indices = Int64[np.ndarray, " _"]
"""Positions in a file, of any number."""

Fingerprints = UInt64[np.ndarray, " _"]
"""First 64 bits of the BLAKE2 hash of each image's pixels."""

Matrix = Int64[np.ndarray, "classes classes"]
"""Confusion matrix: rows are true classes, columns predicted ones."""


def npy_bytes(array: Any) -> bytes:
    """Return the content of a `.npy` file that holds an array of numbers."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()


class PackedArray(TypedDict):
    """Array in a JSON document; see `pack_array`."""

    shape: list[int]
    dtype: str
    values: str


def pack_array(array: Any) -> dict[str, Any]:
    """Encode an array for JSON: bool as bits, uint8 as bytes, other numbers as float32."""
    values = np.asarray(array)
    if values.dtype == bool:
        dtype, raw = "bool", np.packbits(values)
    elif values.dtype == np.uint8:
        dtype, raw = "uint8", np.ascontiguousarray(values)
    else:
        dtype, raw = "float32", np.ascontiguousarray(values, "<f4")
    text = base64.b64encode(raw.tobytes()).decode()
    return {"shape": list(values.shape), "dtype": dtype, "values": text}


def unpack_array(packed: Mapping[str, Any]) -> np.ndarray:
    """Decode an array of `pack_array`.

    Raises:
        ValueError: If the values do not fit the shape or are no base64.
    """
    shape, dtype = tuple(packed["shape"]), packed["dtype"]
    raw = base64.b64decode(packed["values"], validate=True)
    if dtype == "bool":
        if math.prod(shape) > 8 * len(raw):  # numpy would add zeros
            raise ValueError(f"{len(raw)} bytes for the shape {shape}")
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=math.prod(shape))
        return bits.astype(bool).reshape(shape)
    values = np.frombuffer(raw, {"uint8": "u1", "float32": "<f4"}[dtype])
    return values.reshape(shape).astype(dtype)


def to_inputs(images: Images) -> Inputs:
    """Scale uint8 pixels to [0, 1]; gray images get a channel axis."""
    scaled: np.ndarray = images.astype(np.float32) / np.float32(255)
    return scaled[..., np.newaxis] if images.ndim == 3 else scaled


def one_hot(labels: Labels, num_classes: int = NUM_CLASSES) -> OneHot:
    """Turn class indices into rows with a single 1."""
    rows: np.ndarray = np.eye(num_classes, dtype=np.float32)[labels]
    return rows


def batch_size_for(most: int, image_shape: tuple[int, ...]) -> int:
    """Return the batch size that needs no more memory than `most` images of 56 x 56 pixels.

    Images up to that size give `most`; larger ones give less in proportion to their pixels.
    """
    return max(1, min(most, most * 4 * IMAGE_SIZE**2 // (image_shape[0] * image_shape[1])))
