"""Images that show none of the classes, and their separation from the others by confidence."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from ankleboot.core.types import Images

SUPERSAMPLING = 8  # antialiasing of strokes in images up to MAX_SUPERSAMPLED_SIDE
MAX_SUPERSAMPLED_SIDE = 64  # pixels
PEN_WIDTH = 3 / 28  # as a fraction of the side


def _strokes(images: Images, rng: np.random.Generator) -> Images:
    """Draw one or two smooth curves per image, as in handwriting."""
    height, width = images.shape[1:3]
    scale = SUPERSAMPLING if height <= MAX_SUPERSAMPLED_SIDE else 1
    side = scale * height
    pen = scale * max(1, round(height * PEN_WIDTH))
    drawings = np.empty_like(images)
    for index in range(len(images)):
        canvas = np.zeros((side, side), np.uint8)
        for _ in range(rng.integers(1, 3)):
            corners = rng.uniform(0.2, 0.8, (4, 2)) * side
            cv2.polylines(canvas, [_curve(corners)], False, 255, pen, cv2.LINE_AA)
        drawn = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
        drawings[index] = drawn if images.ndim == 3 else drawn[..., None]
    return drawings


def _curve(corners: np.ndarray) -> np.ndarray:
    """Return points of a cubic Bezier curve."""
    t = np.linspace(0, 1, 40)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    return np.asarray(np.rint(weights @ corners).astype(np.int32)[:, None])


def _shuffled(images: Images, rng: np.random.Generator) -> Images:
    """Shuffle the pixels of each image."""
    if images.ndim == 3:
        flat = images.reshape(len(images), -1).copy()
        return rng.permuted(flat, axis=1).reshape(images.shape)
    pixels = images.reshape(len(images), -1, 3)
    return np.stack([rng.permutation(rows) for rows in pixels]).reshape(images.shape)


OUTLIERS: Mapping[str, Callable[[Images, np.random.Generator], Images]] = {
    "noise": lambda images, rng: rng.integers(0, 256, images.shape, dtype=np.uint8),
    "inverted": lambda images, _: 255 - images,
    "strokes": _strokes,
    "shuffled pixels": _shuffled,
}


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """Return P(score of an inside image > score of an outside one); ties count half.

    Source: Fawcett 2006, https://doi.org/10.1016/j.patrec.2005.10.010
    """
    both = np.concatenate([inside, outside])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[inverse]
    wins = ranks[: len(inside)].sum() - len(inside) * (len(inside) + 1) / 2
    return float(wins / (len(inside) * len(outside)))
