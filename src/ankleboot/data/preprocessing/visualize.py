"""Strip of images that shows the preprocessing of a photo, step by step."""

from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from ankleboot.core.types import Image, Pixels
from ankleboot.data.preprocessing.garment import negated, opacity
from ankleboot.data.preprocessing.segmentation import Box, Segmentation

HEIGHT = 224  # pixels of each image
GAP, CAPTION = 8, 22  # pixels
OUTSIDE = np.array([24, 96, 72], np.float32)  # color laid over the background
PAPER, INK = (255, 255, 255), (40, 40, 40)
BOX_COLOR = (192, 57, 10)  # of the lines; white numbers are legible on it


def preprocessing_strip(
    pixels: Pixels,
    garment: Segmentation | None,
    model_input: Image,
    title: str,
    garments: Sequence[tuple[Box, str]] = (),
) -> PillowImage.Image:
    """Draw the steps side by side, above a title.

    Several garments, each a box and its prediction, are numbered on the photo and listed below
    the title.
    """
    steps = preprocessing_images(pixels, garment, model_input)
    panels = [(name, _panel(values)) for name, values in steps]
    _draw_boxes(panels[0][1], [box for box, _ in garments])
    lines = [title, *(f"{number}  {text}" for number, (_, text) in enumerate(garments, 1))]
    total = sum(panel.width + GAP for _, panel in panels) + GAP
    sheet = PillowImage.new("RGB", (total, HEIGHT + (1 + len(lines)) * CAPTION + 2 * GAP), PAPER)
    draw, font, left = ImageDraw.Draw(sheet), ImageFont.load_default(14), GAP
    for name, panel in panels:
        draw.text((left, GAP // 2), name, INK, font)
        sheet.paste(panel, (left, CAPTION))
        left += panel.width + GAP
    for row, line in enumerate(lines, 1):
        draw.text((GAP, row * CAPTION + HEIGHT + GAP // 2), line, INK, font)
    return sheet


def _draw_boxes(panel: PillowImage.Image, boxes: Sequence[Box]) -> None:
    draw, font = ImageDraw.Draw(panel), ImageFont.load_default(14)
    for number, box in enumerate(boxes, 1):
        left, top = box.left * panel.width, box.top * panel.height
        right, bottom = left + box.width * panel.width - 1, top + box.height * panel.height - 1
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=PAPER, width=4)
        draw.rectangle((left, top, right, bottom), outline=BOX_COLOR, width=2)
        draw.rectangle((left, top, left + 14, top + 17), fill=BOX_COLOR)
        draw.text((left + 7, top + 9), str(number), PAPER, font, anchor="mm")


def preprocessing_images(
    pixels: Pixels, garment: Segmentation | None, model_input: Image
) -> list[tuple[str, np.ndarray]]:
    """Return the photo, the steps of the segmentation if there was one, and the input, by name.

    Only a gray input has the garment in gray; an input of two squares is two images.
    """
    steps: list[tuple[str, np.ndarray]] = [("photo", pixels)]
    if garment is not None:
        opaque = opacity(pixels, garment.mask)
        alpha = opaque[..., None].astype(np.float32) / 255
        faded = 0.35 * pixels + 0.65 * OUTSIDE
        steps.append(("garment found", _blend(pixels, faded, alpha)))
        if model_input.ndim == 2:
            steps.append(("cut out", _blend(pixels, np.full(3, 255, np.float32), alpha)))
            steps.append(("gray, negated", negated(pixels, opaque)))
    height, side = model_input.shape[:2]
    parts = ("garment, ", "photo, ") if height > side else ("",)
    for number, part in enumerate(parts):
        square = model_input[number * side : (number + 1) * side]
        steps.append((f"model input: {part}{side} x {side}", square))
    return steps


def _blend(inside: np.ndarray, outside: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    blended: np.ndarray = np.rint(inside * alpha + outside * (1 - alpha)).astype(np.uint8)
    return blended


def _panel(values: np.ndarray) -> PillowImage.Image:
    image = PillowImage.fromarray(values).convert("RGB")
    size = (max(1, round(image.width * HEIGHT / image.height)), HEIGHT)
    kinds = PillowImage.Resampling
    return image.resize(size, kinds.NEAREST if image.height <= 32 else kinds.LANCZOS)
