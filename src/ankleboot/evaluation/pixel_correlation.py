"""Pearson correlation of images; NumPy alone."""

import math

import numpy as np

from ankleboot.core.types import Images


def standardized_rows(images: Images) -> np.ndarray:
    """Return one row per image with mean 0 and length 1; products of rows are correlations."""
    rows = images.reshape(len(images), math.prod(images.shape[1:])).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    return rows
