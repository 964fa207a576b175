"""Draw the eight garments that the first lesson of docs/teaching.md votes on.

    python tools/make_shirts.py     # a second; docs/images/shirts.png

All are images of the shipped sample. The data set calls half of them T-shirt/top and the other half
Shirt; the model `pocket` predicts the other one of the two classes for each.
"""

from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from ankleboot.core.types import Image
from ankleboot.data.load import load_data

TARGET = Path(__file__).parents[1] / "docs/images/shirts.png"
INDICES = (1755, 1706, 269, 1700, 484, 1650, 1921, 1536)  # of the sample's training images
COLUMNS, SCALE = 4, 5
SIDE, GAP, NUMBER = 28 * SCALE, 16, 24  # pixels; a number stands above each garment


def corner(place: int) -> tuple[int, int]:
    """Return the left and the top pixel of a garment."""
    row, column = divmod(place, COLUMNS)
    return GAP + column * (SIDE + GAP), NUMBER + row * (SIDE + NUMBER)


def enlarged(image: Image) -> np.ndarray:
    """Return an image with each pixel as a square."""
    return np.kron(image, np.ones((SCALE, SCALE), np.uint8))


def main() -> None:
    last_left, last_top = corner(len(INDICES) - 1)
    sheet = PillowImage.new("L", (last_left + SIDE + GAP, last_top + SIDE + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for place, image in enumerate(load_data("sample").train.images[list(INDICES)]):
        left, top = corner(place)
        draw.text((left, top - NUMBER), f"{place + 1}", "black", font_size=18)
        sheet.paste(PillowImage.fromarray(enlarged(image)), (left, top))
    sheet.save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
