"""A picture as it is, brought to the size and the colours that are wanted."""

import numpy as np
from PIL import Image as Picture

from ankleboot.arrays import Image, Pixels
from ankleboot.photos.convert import resized
from ankleboot.preparation import Preparation


def whole(pixels: Pixels, preparation: Preparation) -> Image:
    """The whole picture, stretched to a square of the wanted size."""
    picture = Picture.fromarray(pixels)
    if not preparation.colour:
        picture = picture.convert("L")
    return resized(np.asarray(picture), preparation.image_size, preparation.image_size)
