"""Arrays in JSON: which images were answered rightly as bits, pictures as bytes."""

import base64
from typing import Any

import numpy as np


def packed(values: np.ndarray) -> dict[str, Any]:
    """An array of bool or uint8 as a JSON value."""
    raw = np.packbits(values) if values.dtype == bool else values.astype(np.uint8)
    return {
        "shape": list(values.shape),
        "dtype": "bool" if values.dtype == bool else "uint8",
        "base64": base64.b64encode(raw.tobytes()).decode(),
    }


def unpacked(document: dict[str, Any]) -> np.ndarray:
    """The array that `packed` was given."""
    raw = np.frombuffer(base64.b64decode(document["base64"]), np.uint8)
    shape = tuple(document["shape"])
    if document["dtype"] == "bool":
        raw = np.unpackbits(raw, count=int(np.prod(shape))).astype(bool)
    return raw.reshape(shape)
