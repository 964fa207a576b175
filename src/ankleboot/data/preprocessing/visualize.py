"""A photograph's way to the network as a strip of pictures: what was found, and what is seen."""

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from ankleboot.core.types import Image, Pixels
from ankleboot.data.preprocessing.garment import negated, opacity
from ankleboot.data.preprocessing.segmentation import Segmentation

HEIGHT = 224  # pixels of each picture
GAP, CAPTION = 8, 22
OUTSIDE = np.array([24, 96, 72], np.float32)  # laid over what is not garment
PAPER, INK = (255, 255, 255), (40, 40, 40)


def preprocessing_strip(
    pixels: Pixels, found: Segmentation | None, seen: Image, title: str
) -> Picture.Image:
    """Draw the steps side by side.

    Args:
        pixels: The photograph.
        found: The garment on it; None where nothing had to be cut out.
        seen: What the network saw.
        title: Below the pictures, one line.
    """
    steps = preprocessing_images(pixels, found)
    height, width = seen.shape[:2]
    steps.append((f"seen: {width} x {height}", seen))
    panels = [(name, _panel(values)) for name, values in steps]

    total = sum(panel.width + GAP for _, panel in panels) + GAP
    sheet = Picture.new("RGB", (total, HEIGHT + 2 * CAPTION + 2 * GAP), PAPER)
    draw, font, left = ImageDraw.Draw(sheet), ImageFont.load_default(14), GAP
    for name, panel in panels:
        draw.text((left, GAP // 2), name, INK, font)
        sheet.paste(panel, (left, CAPTION))
        left += panel.width + GAP
    draw.text((GAP, CAPTION + HEIGHT + GAP // 2), title, INK, font)
    return sheet


def preprocessing_images(
    pixels: Pixels, found: Segmentation | None
) -> list[tuple[str, np.ndarray]]:
    """The steps by name: the photograph, and what became of it where a garment was cut out."""
    steps: list[tuple[str, np.ndarray]] = [("photograph", pixels)]
    if found is not None:
        opaque = opacity(pixels, found.mask)
        alpha = opaque[..., None].astype(np.float32) / 255
        steps += [
            ("garment found", _mixed(pixels, 0.35 * pixels + 0.65 * OUTSIDE, alpha)),
            ("cut out", _mixed(pixels, np.full(3, 255, np.float32), alpha)),
            ("grey, negated", negated(pixels, opaque)),
        ]
    return steps


def _mixed(inside: np.ndarray, outside: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    mixed: np.ndarray = np.rint(inside * alpha + outside * (1 - alpha)).astype(np.uint8)
    return mixed


def _panel(values: np.ndarray) -> Picture.Image:
    picture = Picture.fromarray(values).convert("RGB")
    size = (max(1, round(picture.width * HEIGHT / picture.height)), HEIGHT)
    kind = Picture.Resampling.NEAREST if picture.height <= 32 else Picture.Resampling.LANCZOS
    return picture.resize(size, kind)
