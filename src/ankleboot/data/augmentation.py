"""Fresh variants of the training images for an epoch, decided by a recipe and a generator.

All images of the epoch are treated in one go on uint8 arrays, outside the model: augmentation
inside a model would stay on in its exports.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ankleboot.core.types import Images
from ankleboot.data.photo_simulation import simulate_photo
from ankleboot.recipes.recipe import Recipe

ERASED_AREA = (0.02, 0.33)  # of the image, as in Zhong et al. 2017, arXiv 1708.04896
ERASED_ASPECT = 1 / 0.3  # of height to width at most, and of width to height


def augment(
    images: Images,
    recipe: Recipe,
    generator: np.random.Generator,
    names: Sequence[str] = (),
) -> Images:
    """Return changed copies of the images; without augmentation in the recipe, the images.

    Args:
        images: Of the training file.
        recipe: What to do, and how much.
        generator: Decides the rest.
        names: Of each image's class; needed for `photo_simulation` alone.
    """
    if recipe.photo_simulation:
        chosen = generator.random(len(images)) < recipe.photo_simulation
        changed = images.copy()
        for place in map(int, np.flatnonzero(chosen)):
            changed[place] = simulate_photo(images[place], names[place], generator)
        images = changed
    if recipe.rotation or recipe.scale_jitter or recipe.aspect_jitter:
        images = _rotate_scale(images, recipe, generator)
    if recipe.flip:
        chosen = generator.random(len(images)) < 0.5
        images = np.where(_broadcast(chosen, images), images[:, :, ::-1], images)
    if recipe.max_shift:
        images = _shift(images, recipe, generator)
    if recipe.color_jitter:
        images = _color_jitter(images, recipe.color_jitter, generator)
    if recipe.random_erasing:
        images = _erase(images, recipe.random_erasing, generator)
    return images


def _broadcast(values: np.ndarray, images: Images) -> np.ndarray:
    """One value per image, or per pixel, in a shape that goes with the images."""
    return values.reshape(values.shape + (1,) * (images.ndim - values.ndim))


def _rotate_scale(images: Images, recipe: Recipe, generator: np.random.Generator) -> Images:
    """Rotate, zoom and stretch about the centre, bilinear.

    What comes in is black around a garment that was cut out, a mirror image of a whole picture.
    """
    import cv2  # only here: the import costs 0.1 s

    angles = generator.uniform(-recipe.rotation, recipe.rotation, len(images))
    scales = generator.uniform(1 - recipe.scale_jitter, 1 + recipe.scale_jitter, len(images))
    shares = np.zeros(len(images))
    if recipe.aspect_jitter:
        shares = generator.uniform(-recipe.aspect_jitter, recipe.aspect_jitter, len(images))
    height, width = images.shape[1:3]
    centre = ((width - 1) / 2, (height - 1) / 2)
    border = cv2.BORDER_CONSTANT if recipe.crop == "garment" else cv2.BORDER_REFLECT_101
    turned = np.empty_like(images)
    for place, (image, angle, scale, share) in enumerate(
        zip(images, angles, scales, shares, strict=True)
    ):
        matrix = cv2.getRotationMatrix2D(centre, angle, scale)
        if share:
            wide = np.diag([1 + share / 2, 1 - share / 2])
            matrix[:, :2] = matrix[:, :2] @ wide
            matrix[:, 2] = centre - matrix[:, :2] @ centre
        cv2.warpAffine(image, matrix, (width, height), dst=turned[place], borderMode=border)
    return turned


def _shift(images: Images, recipe: Recipe, generator: np.random.Generator) -> Images:
    """Move by whole pixels, each direction on its own; what comes in is as in `_turn`."""
    limit = recipe.max_shift
    down, right = generator.integers(-limit, limit, (2, len(images), 1), endpoint=True)
    around = ((0, 0), (limit, limit), (limit, limit), (0, 0))
    mode: Any = "constant" if recipe.crop == "garment" else "reflect"
    padded: np.ndarray = np.pad(images, around[: images.ndim], mode=mode)
    height, width = images.shape[1:3]
    # (n, height) and (n, width): where every pixel comes from
    rows, columns = np.arange(height) + limit - down, np.arange(width) + limit - right
    which = np.arange(len(images))
    moved: np.ndarray = padded[which[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def _color_jitter(images: Images, limit: float, generator: np.random.Generator) -> Images:
    """Change brightness and contrast, and of colors saturation and balance."""
    toned = np.empty_like(images)
    bounds = (1 - limit, 1 + limit)
    for place, image in enumerate(images):
        bright, contrast, saturation = generator.uniform(*bounds, 3).astype(np.float32)
        values = image * bright
        if image.ndim == 3:
            balance = generator.uniform(1 - limit / 3, 1 + limit / 3, 3)
            values = values * balance.astype(np.float32)
            grey = values.mean(axis=2, keepdims=True)
            values = grey + (values - grey) * saturation
        mean = values.mean()
        toned[place] = np.clip(mean + (values - mean) * contrast, 0, 255)
    return toned


def _erase(images: Images, probability: float, generator: np.random.Generator) -> Images:
    """Overwrite a random rectangle with noise in some of the images."""
    num, (height, width) = len(images), images.shape[1:3]
    area = generator.uniform(ERASED_AREA[0], ERASED_AREA[1], num) * (height * width)
    aspect = np.exp(generator.uniform(-np.log(ERASED_ASPECT), np.log(ERASED_ASPECT), num))
    heights = np.clip(np.rint(np.sqrt(area * aspect)), 1, height - 1).astype(int)
    widths = np.clip(np.rint(np.sqrt(area / aspect)), 1, width - 1).astype(int)
    tops = generator.integers(0, height - heights, endpoint=True)
    lefts = generator.integers(0, width - widths, endpoint=True)
    down, across = np.arange(height), np.arange(width)
    inside_rows = (down >= tops[:, None]) & (down < (tops + heights)[:, None])
    inside_columns = (across >= lefts[:, None]) & (across < (lefts + widths)[:, None])
    chosen = generator.random(num) < probability
    erased = inside_rows[:, :, None] & inside_columns[:, None, :] & chosen[:, None, None]
    noise = generator.integers(0, 256, images.shape, dtype=np.uint8)
    return np.where(_broadcast(erased, images), noise, images)
