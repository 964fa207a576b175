"""A picture as it is, brought to the size and the colors that are wanted."""

import numpy as np
from PIL import Image as Picture

from ankleboot.core.types import Image, Pixels
from ankleboot.data.preprocessing.garment import resize_lanczos
from ankleboot.recipes.image_spec import ImageSpec


def resize(pixels: Pixels, image_spec: ImageSpec) -> Image:
    """The whole picture, stretched to a square of the wanted size."""
    picture = Picture.fromarray(pixels)
    if not image_spec.color:
        picture = picture.convert("L")
    return resize_lanczos(np.asarray(picture), image_spec.image_size, image_spec.image_size)
