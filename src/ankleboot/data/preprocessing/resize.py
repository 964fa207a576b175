"""Resizing of a whole image to the size and colors that a network takes."""

import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.types import Image, Pixels
from ankleboot.data.preprocessing.garment import resize_lanczos
from ankleboot.recipes.image_spec import ImageSpec


def resize(pixels: Pixels, image_spec: ImageSpec) -> Image:
    """Stretch an image to a square of the size in the spec."""
    image = PillowImage.fromarray(pixels)
    if not image_spec.color:
        image = image.convert("L")
    return resize_lanczos(np.asarray(image), image_spec.image_size, image_spec.image_size)
