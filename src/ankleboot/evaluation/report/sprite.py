"""One image that holds many thumbnails, and images as data URLs."""

import base64
import io

import numpy as np
from PIL import Image

from ankleboot.core.types import Images

NUM_COLUMNS = 40
MAX_SIDE = 64  # pixels of a thumbnail; larger images are reduced
MAX_PNG_SIDE = 64  # pixels of a color image; of larger ones a JPEG is smaller
JPEG_QUALITY = 82


class Sprite:
    """Thumbnails of a split's images; each is stored once however often it is shown."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._positions: dict[int, int] = {}

    def add(self, index: int) -> int:
        """Return the position of an image, which is added if it is new."""
        return self._positions.setdefault(index, len(self._positions))

    def data_url(self) -> str:
        """Return the sprite as a data URL."""
        side = min(self._images.shape[1], MAX_SIDE)
        shape = (self.num_rows * side, NUM_COLUMNS * side, *self._images.shape[3:])
        sheet = np.zeros(shape, np.uint8)
        for index, position in self._positions.items():
            top, left = side * (position // NUM_COLUMNS), side * (position % NUM_COLUMNS)
            thumbnail = Image.fromarray(self._images[index])
            if thumbnail.size != (side, side):
                thumbnail = thumbnail.resize((side, side), Image.Resampling.LANCZOS)
            sheet[top : top + side, left : left + side] = np.asarray(thumbnail)
        return data_url(sheet)

    @property
    def num_rows(self) -> int:
        """Number of rows of thumbnails."""
        return max(1, -(-len(self._positions) // NUM_COLUMNS))


def data_url(pixels: np.ndarray) -> str:
    """Return an image as a data URL: PNG if it is gray or small, else JPEG."""
    content = io.BytesIO()
    kind = "png" if pixels.ndim == 2 or max(pixels.shape) <= MAX_PNG_SIDE else "jpeg"
    options = {"optimize": True} if kind == "png" else {"quality": JPEG_QUALITY}
    Image.fromarray(pixels).save(content, kind.upper(), **options)
    return f"data:image/{kind};base64," + base64.b64encode(content.getvalue()).decode()
