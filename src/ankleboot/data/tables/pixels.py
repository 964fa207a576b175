"""Arrays of pixels in the shapes, orders and scales that people keep, as 8-bit images."""

import math

import numpy as np

from ankleboot.core.errors import DataError

CLEARLY_SMOOTHER = 0.8  # ratio of the steps between neighbors, to choose an order of the channels
MAX_STANDARDIZED = 16  # images of 0 to 255 that are so dark would show nothing
BLACK_OR_WHITE = "values 0 and 1, multiplied by 255"


def as_images(
    images: np.ndarray, where: str, notes: list[str], num_labels: int | None = None
) -> np.ndarray:
    """Return images as uint8 of shape (n, height, width) or (n, height, width, 3).

    Args:
        images: Rows of pixels, or images with channels first or last, or with the images last.
        where: Name of the array, for messages.
        notes: Receives what was assumed.
        num_labels: Number of labels, which tells images last from images first.

    Raises:
        DataError: If the shape or the values are none of images.
    """
    if images.ndim == 2:  # one row of pixels for each image
        images = _unflatten(images, where, notes)
    images = _images_first(images, where, notes, num_labels)
    if images.dtype == bool:
        notes.append("values False and True, taken as 0 and 255")
        return images.astype(np.uint8) * 255
    return _without_alpha(_to_eight_bits(images, where, notes), notes)


def _images_first(
    images: np.ndarray, where: str, notes: list[str], num_labels: int | None
) -> np.ndarray:
    """Order the axes as images, rows, columns, channels; a single channel is left out."""
    if images.ndim == 4 and num_labels and len(images) != num_labels == images.shape[-1]:
        notes.append(f"shape {images.shape}: the images are the last axis")
        images = np.moveaxis(images, -1, 0)
    shape = images.shape
    if images.ndim == 4 and shape[1] in (1, 3, 4) and shape[1] < min(shape[2:]):
        notes.append(f"shape {shape}: the channels come before the rows")
        images = np.moveaxis(images, 1, -1)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim != 3 and not (images.ndim == 4 and images.shape[-1] in (3, 4)):
        raise DataError(
            f"{where}: shape {shape}; expected (n, height, width), with 1, 3 or 4 channels first "
            "or last"
        )
    return images


def _to_eight_bits(images: np.ndarray, where: str, notes: list[str]) -> np.ndarray:
    is_float = np.issubdtype(images.dtype, np.floating)
    if not images.size:
        raise DataError(f"{where}: no images (shape {images.shape})")
    if not np.issubdtype(images.dtype, np.number):
        raise DataError(f"{where}: expected numbers from 0 to 255, got {images.dtype}")
    if is_float and (num_odd := int(images.size - np.isfinite(images).sum())):
        raise DataError(f"{where}: {num_odd:,} values are not finite (NaN); expected 0 to 255")
    low, high = float(images.min()), float(images.max())
    if not (0 <= low and high <= 255):
        cure = ""
        if not is_float and low >= 0:
            cure = "; of 16 bits? divide by 257 (of fewer by the largest value, to 0 to 1)"
        if low < 0:
            cure = "; of -1 to 1 or standardized? undo it, and save the pixels as they were"
        raise DataError(
            f"{where}: values from {low:g} to {high:g}; expected 0 to 255 or 0 to 1{cure}"
        )
    if is_float and 1 < high <= MAX_STANDARDIZED and (images != np.rint(images)).any():
        raise DataError(
            f"{where}: fractions from {low:g} to {high:g}; expected 0 to 255 or 0 to 1; "
            "standardized? save the pixels as they were"
        )
    if 0 < high <= 1:
        notes.append("values from 0 to 1, multiplied by 255" if is_float else BLACK_OR_WHITE)
        scaled: np.ndarray = np.rint(images * 255.0).astype(np.uint8)
        return scaled
    whole: np.ndarray = images if images.dtype == np.uint8 else np.rint(images).astype(np.uint8)
    return whole


def _without_alpha(images: np.ndarray, notes: list[str]) -> np.ndarray:
    """Put images with an alpha channel on the background that photos get."""
    if images.ndim == 3 or images.shape[-1] == 3:
        return images
    from ankleboot.data.preprocessing.decode import BACKGROUND

    notes.append("the fourth channel is taken as alpha, on the background of transparent images")
    alpha = images[..., 3:] / 255.0
    blended: np.ndarray = images[..., :3] * alpha + np.array(BACKGROUND) * (1 - alpha)
    opaque: np.ndarray = np.rint(blended).astype(np.uint8)
    return opaque


def _unflatten(rows: np.ndarray, where: str, notes: list[str]) -> np.ndarray:
    """Return rows as square images, gray or RGB; neighbors tell the order of the channels."""
    num, num_pixels = rows.shape
    for channels in (1, 3):
        side = math.isqrt(num_pixels // channels)
        if side * side * channels == num_pixels and side > 0:
            break
    else:
        raise DataError(f"{where}: {num_pixels:,} pixels are no square, gray or of three colors")
    if channels == 1:
        return rows.reshape(num, side, side)
    by_pixel = rows.reshape(num, side, side, 3)
    by_channel = np.moveaxis(rows.reshape(num, 3, side, side), 1, -1)
    sample = slice(0, 500)
    is_planar = _steps(by_channel[sample]) < CLEARLY_SMOOTHER * _steps(by_pixel[sample])
    order = "one channel after the other" if is_planar else "the colors of each pixel together"
    notes.append(f"rows of {num_pixels:,} values taken as {side} x {side} pixels, {order}")
    return by_channel if is_planar else by_pixel


def _steps(images: np.ndarray) -> float:
    """Return the mean step between neighbors, which is small where the order is right."""
    pixels = images.astype(np.float32)
    return float(sum(np.abs(np.diff(pixels, axis=axis)).mean() for axis in (1, 2)))
