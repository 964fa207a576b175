"""Conversion of one garment to 28 x 28 pixels, as by the authors of the data set, or to color.

They trimmed the margins, resized the longest side to 28 pixels, sharpened, centered, negated and
converted to gray; their images had plain backgrounds. The garment of a photo is segmented first
(`segmentation.py`). All arithmetic is on integers, so that web/shared/preprocessing.js computes
the same pixels, which a test compares.

Source: Xiao, Rasul, Vollgraf 2017, section 2, https://arxiv.org/abs/1708.07747
"""

import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.types import IMAGE_SIZE, Image, Mask, Pixels

TOLERANCE = 13  # of 255: a pixel within five percent of the background is background
MIN_LIGHT_BACKGROUND = 128  # a background at least so light is negated
UNEVEN_RATIO = 50  # a plain background has fewer than 1 in so many border pixels that differ
KERNEL = (17, 28, 17)  # Gaussian with standard deviation 1 over three pixels
KERNEL_SUM = sum(KERNEL) ** 2
MASK_THRESHOLD = 128  # mask values from here on are garment
STEEPNESS = 4  # the edge of a mask is narrowed to 1/4 of its width
MIN_GARMENT_VALUE = 25  # a white garment, negated, would equal the background 0
WHITE = 255
CUT_OUT_RATIO = (10, 11)  # longest side of a garment cut out in color, to the side of its image


def garment_image(pixels: Pixels, mask: Mask | None = None) -> Image:
    """Convert a garment to an image, light on 0, its longest side 28 pixels; all 0 without one.

    Without a mask the background is plain. Pillow's Lanczos filter averages pixels; the authors
    skipped pixels, which loses thin parts.
    """
    if mask is None:
        return _from_plain_background(pixels)
    alpha = opacity(pixels, mask)
    return center(fit_to_size(_trim(negated(pixels, alpha), alpha >= MASK_THRESHOLD)))


def cut_out_image(pixels: Pixels, mask: Mask | None, size: int) -> Pixels:
    """Lay a garment in its colors in the middle of a white square of `size` pixels.

    Without a mask the background is plain. Where no garment is found, the whole image is laid.
    """
    alpha = _plain_opacity(pixels) if mask is None else opacity(pixels, mask)
    inside = alpha >= MASK_THRESHOLD
    if inside.any():
        weight = alpha.astype(np.int64)[..., None]
        on_white = (pixels * weight + WHITE * (255 - weight) + 127) // 255
        pixels = _trim(on_white.astype(np.uint8), inside)
    longest, whole = CUT_OUT_RATIO
    return center(fit_to_size(pixels, max(1, longest * size // whole)), size, WHITE)


def _plain_opacity(pixels: Pixels) -> np.ndarray:
    """Return 255 where a pixel differs from a plain background, else 0."""
    gray = _to_gray(pixels).astype(np.int64)
    is_garment = np.abs(gray - _upper_median(_border(gray))) > TOLERANCE
    return np.where(is_garment, 255, 0).astype(np.uint8)


def has_plain_background(pixels: Pixels) -> bool:
    """Check if the border of an image has one gray value, as in images of shops."""
    border = _border(_to_gray(pixels)).astype(np.int64)
    differing = np.abs(border - _upper_median(border)) > TOLERANCE
    return bool(UNEVEN_RATIO * int(differing.sum()) < len(border))


def opacity(pixels: Pixels, mask: Mask) -> np.ndarray:
    """Resize a mask to the image and narrow its edges; (height, width) uint8."""
    height, width = pixels.shape[:2]
    wide = resize_lanczos(mask, width, height).astype(np.int64) - MASK_THRESHOLD
    narrow: np.ndarray = np.clip(STEEPNESS * wide + MASK_THRESHOLD, 0, 255).astype(np.uint8)
    return narrow


def negated(pixels: Pixels, alpha: np.ndarray) -> np.ndarray:
    """Negate the garment on background 0, as in the data set; in the size of the image."""
    gray = np.maximum(255 - _to_gray(pixels).astype(np.int64), MIN_GARMENT_VALUE)
    garment: np.ndarray = ((gray * alpha.astype(np.int64) + 127) // 255).astype(np.uint8)
    return garment


def _from_plain_background(pixels: Pixels) -> Image:
    """Trim, resize, sharpen (which undoes most of the blur of resizing) and stretch the values."""
    gray = _to_gray(pixels)
    background = _upper_median(_border(gray))
    if background >= MIN_LIGHT_BACKGROUND:
        gray, background = 255 - gray, 255 - background
    differing = np.abs(gray.astype(np.int64) - background) > TOLERANCE
    small = fit_to_size(_trim(gray, differing))
    if small.size == 0:
        return center(small)
    span = 255 - background
    level = (2 * (_sharpen(small.astype(np.int64)) - background) * 255 + span) // (2 * span)
    return center(np.clip(level, 0, 255).astype(np.uint8))


def _to_gray(pixels: Pixels) -> np.ndarray:
    return np.asarray(PillowImage.fromarray(pixels).convert("L"))


def _border(gray: np.ndarray) -> np.ndarray:
    return np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])


def _upper_median(values: np.ndarray) -> int:
    return int(np.sort(values)[len(values) // 2])


def _trim(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Remove rows and columns without garment; the result may be empty."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows) == 0:
        return values[:0, :0]
    return values[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def fit_to_size(values: np.ndarray, size: int = IMAGE_SIZE) -> np.ndarray:
    """Resize so that the longest side has `size` pixels."""
    if values.size == 0:
        return values
    sides = values.shape[:2]
    longest = max(sides)
    height, width = (max(1, (2 * side * size + longest) // (2 * longest)) for side in sides)
    return resize_lanczos(values, width, height)


def resize_lanczos(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize horizontally, then vertically; the order shows in the rounding."""
    lanczos = PillowImage.Resampling.LANCZOS
    narrow = PillowImage.fromarray(values).resize((width, len(values)), lanczos)
    return np.asarray(narrow.resize((width, height), lanczos))


def center(values: np.ndarray, size: int = IMAGE_SIZE, background: int = 0) -> Image:
    """Lay pixels in the middle of a square of `size` pixels."""
    height, width = values.shape[:2]
    image = np.full((size, size, *values.shape[2:]), background, np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    image[top : top + height, left : left + width] = values
    return image


def _sharpen(values: np.ndarray) -> np.ndarray:
    """Add the difference from the blurred image; the edges are repeated outwards."""
    padded = np.pad(values, 1, mode="edge")
    height, width = values.shape
    blurred = np.zeros_like(values)
    for y, down in enumerate(KERNEL):
        for x, across in enumerate(KERNEL):
            blurred += down * across * padded[y : y + height, x : x + width]
    sharp = (2 * (2 * KERNEL_SUM * values - blurred) + KERNEL_SUM) // (2 * KERNEL_SUM)
    clipped: np.ndarray = np.clip(sharp, 0, 255)
    return clipped
