"""Many small images in one picture, and where each of them is."""

import base64
import io

import numpy as np
from PIL import Image

from ankleboot.arrays import IMAGE_SIZE, Images

COLUMNS = 40


class Sprite:
    """Collects images of a part; each is stored once however often it is shown."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._places: dict[int, int] = {}

    def place(self, index: int) -> int:
        """The image's number in the picture."""
        return self._places.setdefault(index, len(self._places))

    def png(self) -> str:
        """The picture as a data address."""
        rows = max(1, -(-len(self._places) // COLUMNS))
        sheet = np.zeros((rows * IMAGE_SIZE, COLUMNS * IMAGE_SIZE), np.uint8)
        for index, place in self._places.items():
            top, left = IMAGE_SIZE * (place // COLUMNS), IMAGE_SIZE * (place % COLUMNS)
            sheet[top : top + IMAGE_SIZE, left : left + IMAGE_SIZE] = self._images[index]
        content = io.BytesIO()
        Image.fromarray(sheet).save(content, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()

    @property
    def rows(self) -> int:
        return max(1, -(-len(self._places) // COLUMNS))
