"""A picture of one garment on a plain background, converted as the data set's authors did.

They trimmed the edges, brought the longest side to 28 pixels, sharpened, centred, negated and took
the grey value. All arithmetic here is on integers, so that the web page's convert.js can do exactly
the same (a test compares them pixel by pixel).

Source: Xiao, Rasul, Vollgraf 2017, section 2, https://arxiv.org/abs/1708.07747
"""

import numpy as np
from PIL import Image as Picture

from ankleboot.arrays import IMAGE_SIZE, Image, Pixels

TOLERANCE = 13  # of 255: nearer to the background than these five per cent is background
BRIGHT = 128  # a background from here on is light, and negated
KERNEL = (17, 28, 17)  # Gaussian with standard deviation 1 over three pixels
KERNEL_SUM = sum(KERNEL) ** 2


def convert(pixels: Pixels) -> Image:
    """Return the garment, bright on 0, its longest side 28 pixels; all 0 if there is nothing.

    Resizing is Pillow's Lanczos filter, which averages where the authors skipped pixels: skipping
    loses thin parts. The sharpening undoes most of what that blurs.
    """
    grey = np.asarray(Picture.fromarray(pixels).convert("L"))
    background = _border(grey)
    if background >= BRIGHT:
        grey, background = 255 - grey, 255 - background
    differs = np.abs(grey.astype(np.int64) - background) > TOLERANCE
    if not differs.any():
        return np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    trimmed = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

    height, width = (_scaled(side, max(trimmed.shape)) for side in trimmed.shape)
    # one pass after the other: which comes first is for Pillow to choose, and rounding shows it
    narrow = Picture.fromarray(trimmed).resize((width, len(trimmed)), Picture.Resampling.LANCZOS)
    small = narrow.resize((width, height), Picture.Resampling.LANCZOS)
    sharp = _sharpen(np.asarray(small).astype(np.int64))
    span = 255 - background
    level = np.clip((2 * (sharp - background) * 255 + span) // (2 * span), 0, 255)

    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    image[top : top + height, left : left + width] = level
    return image


def _border(grey: np.ndarray) -> int:
    """The median of the outermost pixels (the upper one of two)."""
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return int(np.sort(edge)[len(edge) // 2])


def _scaled(side: int, longest: int) -> int:
    return max(1, (2 * side * IMAGE_SIZE + longest) // (2 * longest))


def _sharpen(values: np.ndarray) -> np.ndarray:
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
