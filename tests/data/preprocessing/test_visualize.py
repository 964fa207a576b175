"""Strip of the steps of preprocessing."""

from pathlib import Path

import numpy as np

from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import Box, segment_garment
from ankleboot.data.preprocessing.visualize import (
    BOX_COLOR,
    CAPTION,
    GAP,
    HEIGHT,
    preprocessing_images,
    preprocessing_strip,
)
from helpers.images import scene


def test_steps_are_shown(tmp_path: Path) -> None:
    pixels, _ = scene(0)
    found = segment_garment(pixels)
    sheet = preprocessing_strip(
        pixels, found, DecodedImage(pixels).garment, "T-shirt/top, 99 % sure"
    )
    assert sheet.height < 300 < sheet.width
    alone = preprocessing_strip(pixels, None, pixels[:64, :64], "whole")
    assert alone.width < sheet.width / 2


def test_steps_lead_to_what_the_network_takes() -> None:
    pixels, _ = scene(0)
    found = segment_garment(pixels)
    gray, color = np.zeros((28, 28), np.uint8), np.zeros((64, 64, 3), np.uint8)
    names = [name for name, _ in preprocessing_images(pixels, found, gray)]
    assert names == ["photo", "garment found", "cut out", "gray, negated", "model input: 28 x 28"]
    names = [name for name, _ in preprocessing_images(pixels, None, gray)]
    assert names == ["photo", "model input: 28 x 28"]
    both = np.concatenate([color, color + 1])
    *before, (first, upper), (second, lower) = preprocessing_images(pixels, found, both)
    assert [name for name, _ in before] == ["photo", "garment found"]  # no gray step
    assert (first, second) == ("model input: garment, 64 x 64", "model input: photo, 64 x 64")
    assert (upper == 0).all() and (lower == 1).all()


def test_several_garments_are_marked_and_listed() -> None:
    pixels, _ = scene(0)
    usual = preprocessing_strip(pixels, None, pixels[:64, :64], "several")
    boxes = [(Box(0.1, 0.2, 0.3, 0.4), "Coat 99 %"), (Box(0.6, 0.2, 0.3, 0.4), "Shirt? 40 %")]
    marked = preprocessing_strip(pixels, None, pixels[:64, :64], "several", boxes)
    assert marked.height == usual.height + 2 * CAPTION
    is_box = (np.asarray(marked) == BOX_COLOR).all(axis=-1)
    rows, columns = np.flatnonzero(is_box.any(axis=1)), np.flatnonzero(is_box.any(axis=0))
    width = HEIGHT * pixels.shape[1] / pixels.shape[0]
    found = [rows[0] - CAPTION, rows[-1] - CAPTION, columns[0] - GAP, columns[-1] - GAP]
    np.testing.assert_allclose(
        found, [0.2 * HEIGHT, 0.6 * HEIGHT, 0.1 * width, 0.9 * width], atol=2
    )
