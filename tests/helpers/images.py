"""Images that are made in an instant and learned in a second."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.types import Pixels
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.load import load_data
from ankleboot.recipes.catalog import PLAIN

TINY = replace(PLAIN, name="tiny", blocks=1, filters=4, dense_units=16, batch_size=32, epochs=3)
"""Small enough to be traced and trained within seconds."""


def bars(num: int, seed: int) -> LabeledImages:
    """Images with one bright bar whose place is the class: rows for 0-4, columns for 5-9."""
    generator = np.random.default_rng(seed)
    labels = np.arange(num, dtype=np.uint8) % 10
    images = generator.integers(0, 60, (num, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        start = 2 + 5 * (int(label) % 5)
        if label < 5:
            image[start : start + 3, :] = 230
        else:
            image[:, start : start + 3] = 230
    return LabeledImages(images, labels)


def write_image_folder(
    folder: Path,
    classes: dict[str, int],
    *,
    size: tuple[int, int] = (32, 32),
    seed: int = 0,
    noise: int = 60,
) -> Path:
    """Picture files in a folder per class, of noise around a color of the class; all differ."""
    generator = np.random.default_rng([seed, len(classes)])
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(exist_ok=True)
        color = np.roll([220, 110, 0], number) // (1 + number // 3)
        for place in range(count):
            pixels = generator.integers(0, noise + 1, (*size, 3)) // 2 + color * 0.8
            pixels[0, 0] = (number % 256, place % 256, seed)
            image = PillowImage.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            image.save(folder / name / f"{place}.png")
    return folder


def scene(
    index: int, seed: int = 0, size: tuple[int, int] = (300, 400)
) -> tuple[Pixels, np.ndarray]:
    """A sample image as a blue thing on boards, and where it is."""
    generator = np.random.default_rng(seed)
    width, height = size
    across = np.arange(width) // 37 % 2 * 22 + 130
    boards = np.tile(across[None, :, None] * np.array([1.2, 1.0, 0.7]), (height, 1, 1))
    boards += generator.normal(0, 7, boards.shape)
    side = int(0.75 * width)
    image = PillowImage.fromarray(load_data("sample").test.images[index]).resize((side, side))
    thing = np.asarray(image).astype(float)
    top, left = (height - side) // 2, (width - side) // 2
    mask = np.zeros((height, width), bool)
    mask[top : top + side, left : left + side] = thing > 30
    light = np.zeros((height, width))
    light[top : top + side, left : left + side] = 0.25 + thing / 500
    blue = light[..., None] * np.array([90, 110, 240]) + generator.normal(0, 4, boards.shape)
    pixels = np.where(mask[..., None], blue, boards)
    return np.clip(pixels, 0, 255).astype(np.uint8), mask


def garments_apart(
    indices: Sequence[int], seed: int = 0, side: int = 260
) -> tuple[Pixels, list[np.ndarray]]:
    """Sample images as blue things beside each other on boards, and where each one is."""
    scenes = [scene(index, seed, (side, side)) for index in indices]
    pixels = np.concatenate([pixels for pixels, _ in scenes], axis=1)
    masks = []
    for number, (_, mask) in enumerate(scenes):
        whole = np.zeros(pixels.shape[:2], bool)
        whole[:, number * side : (number + 1) * side] = mask
        masks.append(whole)
    return pixels, masks
