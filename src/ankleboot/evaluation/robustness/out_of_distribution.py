"""Images that show none of the classes, and how well confidence tells them from those that do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from ankleboot.core.types import Images

SUPERSAMPLED = 8  # strokes are drawn this much larger, then averaged ...
SMALL = 64  # ... in images up to this side
PEN = 3 / 28  # its width as a part of the side


def noise(images: Images, generator: np.random.Generator) -> Images:
    """Uniform noise."""
    return generator.integers(0, 256, images.shape, dtype=np.uint8)


def inverted(images: Images, generator: np.random.Generator) -> Images:
    """The images' negatives."""
    negatives: np.ndarray = 255 - images
    return negatives


def strokes(images: Images, generator: np.random.Generator) -> Images:
    """Pen strokes as in handwriting: one or two smooth curves, a tenth of the image wide."""
    height, width = images.shape[1:3]
    scale = SUPERSAMPLED if height <= SMALL else 1
    side = scale * height
    pen = scale * max(1, round(height * PEN))
    found = np.empty_like(images)
    for place in range(len(images)):
        canvas = np.zeros((side, side), np.uint8)
        for _ in range(generator.integers(1, 3)):
            corners = generator.uniform(0.2, 0.8, (4, 2)) * side
            cv2.polylines(canvas, [_curve(corners)], False, 255, pen, cv2.LINE_AA)
        drawn = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
        found[place] = drawn if images.ndim == 3 else drawn[..., None]
    return found


def _curve(corners: np.ndarray) -> np.ndarray:
    """Points of a cubic Bezier curve."""
    t = np.linspace(0, 1, 40)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    points: np.ndarray = np.rint(weights @ corners).astype(np.int32)[:, None]
    return points


def shuffled(images: Images, generator: np.random.Generator) -> Images:
    """The images' own pixels in random places."""
    if images.ndim == 3:
        flat = images.reshape(len(images), -1).copy()
        return generator.permuted(flat, axis=1).reshape(images.shape)
    pixels = images.reshape(len(images), -1, 3)
    return np.stack([generator.permutation(one) for one in pixels]).reshape(images.shape)


OUTLIERS: Mapping[str, Callable[[Images, np.random.Generator], Images]] = MappingProxyType(
    {"noise": noise, "inverted": inverted, "strokes": strokes, "shuffled pixels": shuffled}
)


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """Chance that an image of ours gets a higher score than an outlier; ties count half.

    Source: Fawcett 2006, https://doi.org/10.1016/j.patrec.2005.10.010
    """
    both = np.concatenate([inside, outside])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[inverse]
    wins = ranks[: len(inside)].sum() - len(inside) * (len(inside) + 1) / 2
    return float(wins / (len(inside) * len(outside)))
