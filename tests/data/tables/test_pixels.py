"""Arrays of pixels in the shapes, orders and scales that people keep."""

from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import DataError
from ankleboot.data.tables.pixels import as_images


def smooth(num: int = 6, side: int = 12) -> np.ndarray:
    """Color images whose neighbors are alike, and whose channels are not."""
    ramp = np.add.outer(np.arange(side), np.arange(side)) * (100 // side)
    images = np.stack([ramp, 250 - ramp, np.full_like(ramp, 128)], axis=-1)
    return (images[None] + np.arange(num)[:, None, None, None]).astype(np.uint8)


def read(images: Any, num_labels: int | None = None) -> tuple[np.ndarray, str]:
    notes: list[str] = []
    return as_images(images, "d.npz", notes, num_labels), "; ".join(notes)


@pytest.mark.parametrize(
    ("arrange", "note"),
    [
        (lambda x: x, ""),
        (lambda x: np.moveaxis(x, -1, 1), "the channels come before the rows"),
        (lambda x: np.moveaxis(x, 0, -1), "the images are the last axis"),
        (lambda x: x.reshape(len(x), -1), "the colors of each pixel together"),
        (lambda x: np.moveaxis(x, -1, 1).reshape(len(x), -1), "one channel after the other"),
        (lambda x: x.astype(np.uint16), ""),
        (lambda x: x / 255.0, "multiplied by 255"),
        (lambda x: np.concatenate([x, np.full_like(x[..., :1], 255)], -1), "taken as alpha"),
    ],
)
def test_every_arrangement_gives_the_same_images(arrange: Any, note: str) -> None:
    images = smooth()
    found, notes = read(arrange(images), len(images))
    assert found.dtype == np.uint8 and np.array_equal(found, images)
    assert note in notes and bool(note) == bool(notes)


def test_noise_in_rows_is_taken_as_the_colors_of_each_pixel_together() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (4, 300), dtype=np.uint8)
    found, notes = read(rows)
    assert np.array_equal(found, rows.reshape(4, 10, 10, 3)) and "together" in notes


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_black_and_white_is_0_and_255(dtype: type) -> None:
    images: np.ndarray = (np.arange(50).reshape(2, 5, 5) % 2).astype(dtype)
    found, notes = read(images)
    assert set(np.unique(found)) == {0, 255} and "255" in notes


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full((2, 4, 4), 64_000, np.uint16), "values from 64000 to 64000.*of 16 bits"),
        (np.full((2, 4, 4), -1.0), "of -1 to 1 or standardized"),
        (np.full((2, 4, 4), 2.5), "fractions from 2.5 to 2.5"),
        (np.full((2, 4, 4), np.nan), "32 values are not finite"),
        (np.zeros((2, 4, 4, 2)), "1, 3 or 4 channels first or last"),
        (np.zeros((0, 4, 4)), r"no images \(shape \(0, 4, 4\)\)"),
        (np.zeros((2, 17)), "17 pixels are no square"),
    ],
)
def test_others_are_refused_with_what_to_do(images: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(images)
