"""A picture of one garment, converted as the data set's authors did.

They trimmed the edges, brought the longest side to 28 pixels, sharpened, centred, negated and took
the grey value; their pictures had plain backgrounds. A photograph's garment is cut out first
(`cut_out.py`). All arithmetic here is on integers, so that the web page's convert.js can do exactly
the same (a test compares them pixel by pixel).

Source: Xiao, Rasul, Vollgraf 2017, section 2, https://arxiv.org/abs/1708.07747
"""

import numpy as np
from PIL import Image as Picture

from ankleboot.core.types import IMAGE_SIZE, Image, Mask, Pixels

TOLERANCE = 13  # of 255: nearer to the background than these five per cent is background
BRIGHT = 128  # a plain background from here on is light, and negated
UNEVEN = 50  # a plain background has less than one border pixel in so many that differs
KERNEL = (17, 28, 17)  # Gaussian with standard deviation 1 over three pixels
KERNEL_SUM = sum(KERNEL) ** 2
SURE = 128  # from here on a mask's place belongs to the garment
STEEPNESS = 4  # a mask's edge is narrowed to this part of its width
DARKEST = 25  # of a garment that was cut out: 0 is background, and a white one would vanish


def garment_image(pixels: Pixels, mask: Mask | None = None) -> Image:
    """Return the garment, bright on 0, its longest side 28 pixels; all 0 if there is nothing.

    Resizing is Pillow's Lanczos filter, which averages where the authors skipped pixels: skipping
    loses thin parts.

    Args:
        pixels: The picture.
        mask: Where on it the garment is; None for a plain background.
    """
    return (
        _from_plain_background(pixels)
        if mask is None
        else _centred(_fit_to_size(trimmed(pixels, mask)))
    )


def has_plain_background(pixels: Pixels) -> bool:
    """Whether the picture's border is all of one grey, as in a shop's pictures."""
    edge = _edge(_grey(pixels)).astype(np.int64)
    differing = np.abs(edge - _median(edge)) > TOLERANCE
    return bool(UNEVEN * int(differing.sum()) < len(edge))


def opacity(pixels: Pixels, mask: Mask) -> np.ndarray:
    """The mask on the picture's pixels, 0 to 255, with narrow edges; (height, width) uint8."""
    height, width = pixels.shape[:2]
    wide = resize_lanczos(mask, width, height).astype(np.int64)
    narrowed: np.ndarray = np.clip(STEEPNESS * (wide - SURE) + SURE, 0, 255).astype(np.uint8)
    return narrowed


def negated(pixels: Pixels, alpha: np.ndarray) -> np.ndarray:
    """The garment as the data set has it, dark where it was light, on 0; in the picture's size."""
    grey = np.maximum(255 - _grey(pixels).astype(np.int64), DARKEST)
    found: np.ndarray = ((grey * alpha.astype(np.int64) + 127) // 255).astype(np.uint8)
    return found


def trimmed(pixels: Pixels, mask: Mask) -> np.ndarray:
    """`negated`, without the rows and columns in which there is no garment; may be empty."""
    alpha = opacity(pixels, mask)
    return _without_margins(negated(pixels, alpha), alpha >= SURE)


def _from_plain_background(pixels: Pixels) -> Image:
    """The sharpening undoes most of what resizing blurs."""
    grey = _grey(pixels)
    background = _median(_edge(grey))
    if background >= BRIGHT:
        grey, background = 255 - grey, 255 - background
    small = _fit_to_size(
        _without_margins(grey, np.abs(grey.astype(np.int64) - background) > TOLERANCE)
    )
    if small.size == 0:
        return _centred(small)
    span = 255 - background
    level = (2 * (_sharpened(small.astype(np.int64)) - background) * 255 + span) // (2 * span)
    return _centred(np.clip(level, 0, 255).astype(np.uint8))


def _grey(pixels: Pixels) -> np.ndarray:
    return np.asarray(Picture.fromarray(pixels).convert("L"))


def _edge(grey: np.ndarray) -> np.ndarray:
    """The outermost pixels."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _median(values: np.ndarray) -> int:
    """The upper one of two."""
    return int(np.sort(values)[len(values) // 2])


def _without_margins(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows) == 0:
        return values[:0, :0]
    return values[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit_to_size(values: np.ndarray) -> np.ndarray:
    """The longest side brought to 28 pixels."""
    if values.size == 0:
        return values
    height, width = (
        max(1, (2 * side * IMAGE_SIZE + max(values.shape)) // (2 * max(values.shape)))
        for side in values.shape
    )
    return resize_lanczos(values, width, height)


def resize_lanczos(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Lanczos, across and then down: which comes first Pillow would choose, and rounding shows."""
    narrow = Picture.fromarray(values).resize((width, len(values)), Picture.Resampling.LANCZOS)
    return np.asarray(narrow.resize((width, height), Picture.Resampling.LANCZOS))


def _centred(values: np.ndarray) -> Image:
    height, width = values.shape
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    image[top : top + height, left : left + width] = values
    return image


def _sharpened(values: np.ndarray) -> np.ndarray:
    """Add the difference to the blurred picture; edges are repeated outwards."""
    padded = np.pad(values, 1, mode="edge")
    height, width = values.shape
    blurred = np.zeros_like(values)
    for y, down in enumerate(KERNEL):
        for x, across in enumerate(KERNEL):
            blurred += down * across * padded[y : y + height, x : x + width]
    sharp = (2 * (2 * KERNEL_SUM * values - blurred) + KERNEL_SUM) // (2 * KERNEL_SUM)
    clipped: np.ndarray = np.clip(sharp, 0, 255)
    return clipped
