"""The shapes that travel between modules, named once.

The test suite checks these types at run time (`--jaxtyping-packages` in pyproject.toml); elsewhere
they cost nothing.
"""

import numpy as np
from jaxtyping import Float, Float32, Int64, Integer, UInt8

NUM_CLASSES = 10
IMAGE_SIZE = 28  # pixels per side

Images = UInt8[np.ndarray, "n 28 28"]
"""Grey pixels as stored: 0 is background, 255 the brightest."""

SomeImages = UInt8[np.ndarray, "_ 28 28"]
"""A selection of them, whatever n is."""

Image = UInt8[np.ndarray, "28 28"]
"""One of them."""

Pixels = UInt8[np.ndarray, "height width 3"]
"""A picture in RGB, of any size."""

Inputs = Float32[np.ndarray, "n 28 28 1"]
"""What every model takes: pixels in [0, 1] with one channel."""

Labels = Integer[np.ndarray, " n"]
"""Class indices 0-9."""

OneHot = Float32[np.ndarray, "n 10"]
Probs = Float[np.ndarray, "n 10"]
"""One row per image; each row sums to 1."""

Maps = Float32[np.ndarray, "n 28 28"]
"""What each pixel says for (positive) or against a class."""

Losses = Float32[np.ndarray, " images"]
"""Cross-entropy of each image, in nats."""

Indices = Int64[np.ndarray, " _"]
"""Positions in a file; any number of them, whatever n is elsewhere."""

Matrix = Int64[np.ndarray, "10 10"]
"""Confusion matrix: rows are true classes, columns predicted ones."""


def to_inputs(images: Images) -> Inputs:
    """Scale uint8 pixels to [0, 1] and add the channel axis."""
    scaled: np.ndarray = images.astype(np.float32) / np.float32(255)
    return scaled[..., np.newaxis]


def one_hot(labels: Labels) -> OneHot:
    """Turn class indices into rows with a single 1."""
    rows: np.ndarray = np.eye(NUM_CLASSES, dtype=np.float32)[labels]
    return rows
