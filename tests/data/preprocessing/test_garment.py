"""Conversion of a garment to 28 x 28 pixels, on plain backgrounds and by masks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from ankleboot.data.preprocessing.garment import (
    garment_image,
    has_plain_background,
    negated,
    opacity,
)
from ankleboot.data.preprocessing.preprocess import DecodedImage
from helpers.images import scene


def test_backgrounds_are_told_apart() -> None:
    pixels, mask = scene(0)
    assert not has_plain_background(pixels)
    on_white = np.where(mask[..., None], pixels, 250).astype(np.uint8)
    assert has_plain_background(on_white)
    assert DecodedImage(on_white).segmentation is None
    assert DecodedImage(pixels).segmentation is not None
    speck = on_white.copy()
    speck[0, :5] = 0  # dirt
    assert has_plain_background(speck)


def test_a_cut_out_garment_looks_as_on_a_plain_background() -> None:
    """The same T-shirt on boards and on white becomes nearly the same image."""
    pixels, mask = scene(0)
    on_white = np.where(mask[..., None], pixels, 255).astype(np.uint8)
    cells = Picture.fromarray(mask.astype(np.uint8) * 255).resize((96, 96), Picture.Resampling.BOX)
    cut, plain = garment_image(pixels, np.asarray(cells)), garment_image(on_white)
    assert np.corrcoef(cut.ravel(), plain.ravel())[0, 1] > 0.93


def test_a_white_garment_does_not_vanish_and_the_background_does() -> None:
    pixels = np.full((120, 100, 3), 40, np.uint8)
    pixels[30:90, 20:80] = 255
    mask = np.zeros((96, 96), np.uint8)
    mask[24:72, 20:76] = 255
    image = garment_image(pixels, mask)
    assert image.shape == (28, 28) and image[14, 14] == 25
    assert image[:, 0].max() > 0 or image[0].max() > 0  # the longest side has 28 pixels
    alpha = opacity(pixels, mask)
    assert alpha.shape == (120, 100) and (negated(pixels, alpha)[alpha == 0] == 0).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_any_mask_gives_an_image(seed: int) -> None:
    generator = np.random.default_rng(seed)
    height, width = generator.integers(1, 60, 2)
    pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = (generator.random((96, 96)) < generator.random()).astype(np.uint8) * 255
    image = garment_image(pixels, mask)
    assert image.shape == (28, 28) and (mask.any() or not image.any())
