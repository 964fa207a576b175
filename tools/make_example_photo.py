"""Compose the photo that README.md predicts, and the smaller example of the web pages.

    python tools/make_example_photo.py

No photo of the clothing dataset is part of this repository. So an image of the sample (MIT, Zalando
SE) is enlarged, colored like wool, and laid on drawn floorboards with its shadow.
"""

from pathlib import Path

import cv2
import numpy as np

from ankleboot.core.types import Image
from ankleboot.data.load import load_data

ROOT = Path(__file__).parents[1]
TARGETS = {  # height in pixels, quality
    ROOT / "docs/images/pullover.jpg": (640, 88),
    ROOT / "src/ankleboot/web/shared/example_photo.jpg": (480, 72),
}
INDEX = 92  # of the sample's test images: a pullover
HEIGHT, WIDTH, GARMENT = 640, 480, 400  # pixels
NUM_BOARDS = 6
WOOL = (0.25, 0.33, 0.62)  # red, green, blue of the brightest wool
WOOD = (0.80, 0.60, 0.38)


def floorboards(rng: np.random.Generator) -> np.ndarray:
    """Draw boards with grain, (height, width, 3) in [0, 1]."""
    floor = np.empty((HEIGHT, WIDTH))
    edges = np.linspace(0, WIDTH, NUM_BOARDS + 1).astype(int)
    for left, right in zip(edges, edges[1:], strict=False):
        grain = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, right - left)), (0, 0), 1.2, sigmaY=40)
        floor[:, left:right] = rng.uniform(0.86, 1.0) + 0.25 * grain
        floor[:, left : left + 2] *= 0.55  # the gap between two boards
    light = np.linspace(1.08, 0.88, HEIGHT)[:, None]
    return np.clip((floor * light)[..., None] * WOOD, 0, 1)


def wool(image: Image, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the garment's colors (side, side, 3) and its opacity (side, side), in [0, 1]."""
    size = (GARMENT, GARMENT)
    gray = cv2.resize(image / 255, size, interpolation=cv2.INTER_CUBIC)
    opacity = np.clip((cv2.GaussianBlur(gray, (0, 0), 5) - 0.2) * 9, 0, 1)
    shade = 0.4 + 0.7 * cv2.GaussianBlur(gray, (0, 0), 5)
    rows, columns = np.mgrid[:GARMENT, :GARMENT]
    stitches = 0.05 * np.sin(columns * 1.3) * np.sin(rows * 0.9 + columns * 0.65)
    shade = shade + stitches + rng.normal(0, 0.02, shade.shape)
    return np.clip(shade[..., None] * WOOL, 0, 1), opacity


def main() -> None:
    rng = np.random.default_rng(0)
    photo = floorboards(rng)
    color, opacity = wool(load_data("sample").test.images[INDEX], rng)
    top, left = (HEIGHT - GARMENT) // 2, (WIDTH - GARMENT) // 2
    mask = np.zeros((HEIGHT, WIDTH))
    mask[top : top + GARMENT, left : left + GARMENT] = opacity
    garment = np.zeros_like(photo)
    garment[top : top + GARMENT, left : left + GARMENT] = color
    shadow = np.roll(cv2.GaussianBlur(mask, (0, 0), 9), (8, 6), (0, 1))
    photo *= 1 - 0.5 * shadow[..., None]
    photo = photo * (1 - mask[..., None]) + garment * mask[..., None]
    photo = photo + rng.normal(0, 0.012, photo.shape)  # a camera's noise
    pixels = np.clip(255 * photo, 0, 255).astype(np.uint8)
    for target, (height, quality) in TARGETS.items():
        size = (WIDTH * height // HEIGHT, height)
        scaled = cv2.resize(pixels[..., ::-1], size, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(target), scaled, [cv2.IMWRITE_JPEG_QUALITY, quality])
        print(target)


if __name__ == "__main__":
    main()
