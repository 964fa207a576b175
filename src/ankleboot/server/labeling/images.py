"""Image files for the page, made on request and kept in memory."""

import functools
import io

import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.errors import DataError
from ankleboot.data.preprocessing.decode import decode
from ankleboot.training.image_set import ImageSet

SIDES = (160, 640)  # pixels: a thumbnail, and the image to decide on
MAX_CACHED = 2_000  # files of some 10 kB
SMALL_SIDE = 96  # pixels; smaller images are sent as they are, without loss
JPEG_QUALITY = 88

Encoded = tuple[bytes, str]
"""Content of an image file, and its media type."""


class ImageFiles:
    """Encoder of the images of a set, which has `count` of them."""

    def __init__(self, images: ImageSet) -> None:
        self._images, self.count = images, len(images.images)
        self.encoded = functools.lru_cache(maxsize=MAX_CACHED)(self._encode)

    def _encode(self, row: int, side: int) -> Encoded:
        """Encode an image whose longer side has at most `side` pixels."""
        image = PillowImage.fromarray(self._pixels(row))
        content = io.BytesIO()
        if max(image.size) <= SMALL_SIDE:
            image.save(content, "PNG")
            return content.getvalue(), "image/png"
        image.thumbnail((side, side))
        image.save(content, "JPEG", quality=JPEG_QUALITY)
        return content.getvalue(), "image/jpeg"

    def _pixels(self, row: int) -> np.ndarray:
        """Decode the image's file; take the preprocessed image if it has none."""
        if not self._images.names:
            return np.asarray(self._images.images[row])
        try:
            return decode(self._images.path(row))
        except DataError:
            return np.asarray(self._images.images[row])
