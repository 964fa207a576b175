"""Fit of a whole image into a square: stretched, with bands, or cropped.

All arithmetic is on integers, so that web/shared/preprocessing.js computes the same pixels, which a
test compares.
"""

import numpy as np

from ankleboot.data.preprocessing.garment import center, fit_to_size, resize_lanczos

BAND_VALUE = 128  # of a letterbox: about 0 for backbones, whose pixels are scaled to -1 to 1


def fit_to_square(values: np.ndarray, side: int, fit: str) -> np.ndarray:
    """Resize gray or RGB pixels to `side` x `side`; `fit` as in `ImageSpec`."""
    if fit == "letterbox":
        return center(fit_to_size(values, side), side, BAND_VALUE)
    if fit == "crop":
        values = _middle(values)
    return resize_lanczos(values, side, side)


def _middle(values: np.ndarray) -> np.ndarray:
    """Return the largest square in the middle."""
    height, width = values.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(values[top : top + side, left : left + side])
