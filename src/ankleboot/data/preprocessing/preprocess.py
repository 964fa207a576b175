"""Preprocessing of a decoded image: crop of the garment or resizing of the whole.

    image = load_image(Path("boot.png"), ImageSpec())         # (28, 28) uint8, 0 is background

Images of 28 x 28 gray pixels are taken for images of the data set and stay unchanged. A plain
background is trimmed, as by the authors of the data set; on any other the garment is segmented.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.types import IMAGE_SIZE, Image, Pixels
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.fit import fit_to_square
from ankleboot.data.preprocessing.garment import (
    cut_out_image,
    garment_image,
    has_plain_background,
)
from ankleboot.data.preprocessing.segmentation import (
    Box,
    Segmentation,
    SeparateGarment,
    segment_garment,
)
from ankleboot.recipes.image_spec import BOTH, ImageSpec

PREPROCESSING_VERSION = 1
"""Version of what `preprocess` returns; it names the cache of image folders. Raise it with any
change of the output. tests/data/preprocessing/test_preprocess.py notices such a change."""

MARGIN_DIVISOR = 8  # the margin around a box is its longer side, divided by this


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """Decoded image; each property is computed once, when it is first needed."""

    pixels: Pixels

    @cached_property
    def is_dataset_image(self) -> bool:
        """True if the image has the form of the data set: 28 x 28 gray pixels."""
        has_size = self.pixels.shape[:2] == (IMAGE_SIZE, IMAGE_SIZE)
        return has_size and bool((self.pixels == self.pixels[..., :1]).all())

    @cached_property
    def segmentation(self) -> Segmentation | None:
        """Segmentation of the garment; None if the background is plain or there is none."""
        if self.is_dataset_image or has_plain_background(self.pixels):
            return None
        return segment_garment(self.pixels)

    @cached_property
    def garment(self) -> Image:
        """Garment as 28 x 28 gray pixels on 0."""
        if self.is_dataset_image:
            return self.pixels[..., 0]
        return garment_image(self.pixels, self.segmentation.mask if self.segmentation else None)

    def preprocess(self, image_spec: ImageSpec) -> Image:
        """Return the image that a network takes: the garment, or all of it in a square."""
        if image_spec.crop == "garment":
            return self.garment
        if image_spec.crop == BOTH:
            return np.concatenate([self.preprocess(view) for view in image_spec.views])
        if image_spec.crop == "cut-out":
            pixels = 255 - self.pixels if self.is_dataset_image else self.pixels
            mask = self.segmentation.mask if self.segmentation else None
            return cut_out_image(pixels, mask, image_spec.image_size)
        image = PillowImage.fromarray(self.pixels)
        values = np.asarray(image if image_spec.color else image.convert("L"))
        return fit_to_square(values, image_spec.image_size, image_spec.fit)

    def preprocess_garment(self, garment: SeparateGarment, image_spec: ImageSpec) -> Image:
        """Return a network's image of one of several garments.

        A network for garments gets this one cut out by its own mask, a network for whole photos
        the part of the photo around it.
        """
        if image_spec.crop == "garment":
            return garment_image(self.pixels, garment.mask)
        if image_spec.crop == BOTH:
            views = [self.preprocess_garment(garment, view) for view in image_spec.views]
            return np.concatenate(views)
        if image_spec.crop == "cut-out":
            return cut_out_image(self.pixels, garment.mask, image_spec.image_size)
        return DecodedImage(crop_around(self.pixels, garment.box)).preprocess(image_spec)


def crop_around(pixels: Pixels, box: Box) -> Pixels:
    """Return the part of a photo in a box, with a margin where the photo has one."""
    height, width = pixels.shape[:2]
    left, right = math.floor(box.left * width), math.ceil((box.left + box.width) * width)
    top, bottom = math.floor(box.top * height), math.ceil((box.top + box.height) * height)
    margin = max(right - left, bottom - top) // MARGIN_DIVISOR
    rows = slice(max(0, top - margin), bottom + margin)
    return pixels[rows, max(0, left - margin) : right + margin]


def load_image(path: Path, image_spec: ImageSpec) -> Image:
    """Decode and preprocess an image file.

    Raises:
        DataError: If the file is no image, damaged, or too large.
    """
    return DecodedImage(decode(path)).preprocess(image_spec)
