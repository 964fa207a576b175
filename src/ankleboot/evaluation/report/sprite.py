"""Many small images in one picture, and where each of them is."""

import base64
import io

import numpy as np
from PIL import Image

from ankleboot.core.types import Images

COLUMNS = 40
LARGEST = 64  # pixels per side of a thumbnail; larger images are reduced
QUALITY = 85  # of JPEG, for colors


class Sprite:
    """Collects images of a part; each is stored once however often it is shown."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._places: dict[int, int] = {}

    def place(self, index: int) -> int:
        """The image's number in the picture."""
        return self._places.setdefault(index, len(self._places))

    def address(self) -> str:
        """The picture as a data address: PNG, or JPEG where there are colors."""
        side = min(self._images.shape[1], LARGEST)
        shape = (self.rows * side, COLUMNS * side, *self._images.shape[3:])
        sheet = np.zeros(shape, np.uint8)
        for index, place in self._places.items():
            top, left = side * (place // COLUMNS), side * (place % COLUMNS)
            small = Image.fromarray(self._images[index])
            if small.size != (side, side):
                small = small.resize((side, side), Image.Resampling.LANCZOS)
            sheet[top : top + side, left : left + side] = np.asarray(small)
        content = io.BytesIO()
        if sheet.ndim == 2:
            Image.fromarray(sheet).save(content, "PNG", optimize=True)
        else:
            Image.fromarray(sheet).save(content, "JPEG", quality=QUALITY)
        kind = "png" if sheet.ndim == 2 else "jpeg"
        return f"data:image/{kind};base64," + base64.b64encode(content.getvalue()).decode()

    @property
    def rows(self) -> int:
        return max(1, -(-len(self._places) // COLUMNS))
