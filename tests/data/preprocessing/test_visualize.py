"""Strip of the steps of preprocessing."""

from pathlib import Path

from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import (
    segment_garment,
)
from ankleboot.data.preprocessing.visualize import preprocessing_strip
from helpers.images import scene


def test_steps_are_shown(tmp_path: Path) -> None:
    pixels, _ = scene(0)
    found = segment_garment(pixels)
    sheet = preprocessing_strip(
        pixels, found, DecodedImage(pixels).garment, "T-shirt/top, 99 % sure"
    )
    assert sheet.height < 300 < sheet.width
    alone = preprocessing_strip(pixels, None, pixels, "whole")
    assert alone.width < sheet.width / 2
