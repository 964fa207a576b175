"""Augmentation: random changes of the training images, fresh in every epoch.

All images of a chunk are changed at once as uint8 arrays outside the model: augmentation layers
inside it would stay active in its exports.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.errors import UsageError
from ankleboot.core.types import Images, Indices
from ankleboot.data.photo_simulation import simulate_photo
from ankleboot.recipes.recipe import Recipe

ERASED_AREA = (0.02, 0.33)  # fraction of the image, as in Zhong et al. 2017, arXiv 1708.04896
MAX_ERASED_ASPECT = 1 / 0.3  # height to width, or width to height


def augment(
    images: Images, recipe: Recipe, rng: np.random.Generator, labels: Sequence[str] = ()
) -> Images:
    """Return changed copies of images; without augmentation in the recipe, the images themselves.

    Args:
        images: Training images.
        recipe: Kinds and strengths of the changes.
        rng: Random number rng.
        labels: Class name of each image; needed for `photo_simulation` and `augmentation`.
    """
    if recipe.photo_simulation:
        chosen = rng.random(len(images)) < recipe.photo_simulation
        changed = images.copy()
        for i in map(int, np.flatnonzero(chosen)):
            changed[i] = simulate_photo(images[i], labels[i], rng)
        images = changed
    if recipe.rotation or recipe.scale_jitter or recipe.aspect_jitter:
        images = _rotate_scale(images, recipe, rng)
    if recipe.flip:
        chosen = rng.random(len(images)) < 0.5
        images = np.where(_broadcast(chosen, images), images[:, :, ::-1], images)
    if recipe.max_shift:
        images = _random_shift(images, recipe, rng)
    if recipe.color_jitter:
        images = _color_jitter(images, recipe.color_jitter, rng)
    if recipe.random_erasing:
        images = _erase(images, recipe.random_erasing, rng)
    if recipe.augmentation:
        images = _apply_plugin(images, recipe.augmentation, rng, labels)
    return images


def shift_images(
    images: Images, down: Indices | int, right: Indices | int, *, border: str = "constant"
) -> Images:
    """Shift images by whole pixels.

    Args:
        images: Images to shift.
        down: Distance downwards, of all images or of each; negative is upwards.
        right: Distance to the right, of all images or of each; negative is to the left.
        border: "constant" fills with black, "reflect" with the mirror image.
    """
    down, right = (np.broadcast_to(distance, len(images)) for distance in (down, right))
    limit = int(max(np.abs(down).max(initial=0), np.abs(right).max(initial=0)))
    around = ((0, 0), (limit, limit), (limit, limit), (0, 0))
    mode: Any = border
    padded: np.ndarray = np.pad(images, around[: images.ndim], mode=mode)
    height, width = images.shape[1:3]
    # (n, height) and (n, width): source of every pixel
    rows = np.arange(height) + limit - down[:, None]
    columns = np.arange(width) + limit - right[:, None]
    index = np.arange(len(images))
    shifted: np.ndarray = padded[index[:, None, None], rows[:, :, None], columns[:, None, :]]
    return shifted


def _apply_plugin(
    images: Images, name: str, rng: np.random.Generator, labels: Sequence[str]
) -> Images:
    changed: Images = plugins.resolve("augmentations", name)(images, labels, rng)
    if getattr(changed, "shape", None) != images.shape or changed.dtype != np.uint8:
        raise UsageError(f"augmentation {name}: expected a uint8 array of shape {images.shape}")
    return changed


def _broadcast(values: np.ndarray, images: Images) -> np.ndarray:
    """Reshape one value per image, or per pixel, to broadcast with the images."""
    return values.reshape(values.shape + (1,) * (images.ndim - values.ndim))


def _rotate_scale(images: Images, recipe: Recipe, rng: np.random.Generator) -> Images:
    """Rotate, scale and stretch about the center, bilinear.

    The border is black around a garment, and the mirror image of a whole photo.
    """
    import cv2  # the import costs 0.1 s

    angles = rng.uniform(-recipe.rotation, recipe.rotation, len(images))
    scales = rng.uniform(1 - recipe.scale_jitter, 1 + recipe.scale_jitter, len(images))
    stretches = np.zeros(len(images))
    if recipe.aspect_jitter:
        stretches = rng.uniform(-recipe.aspect_jitter, recipe.aspect_jitter, len(images))
    height, width = images.shape[1:3]
    center = ((width - 1) / 2, (height - 1) / 2)
    border = cv2.BORDER_CONSTANT if recipe.crop == "garment" else cv2.BORDER_REFLECT_101
    rotated = np.empty_like(images)
    for i, (image, angle, scale, stretch) in enumerate(
        zip(images, angles, scales, stretches, strict=True)
    ):
        matrix = cv2.getRotationMatrix2D(center, angle, scale)
        if stretch:
            aspect = np.diag([1 + stretch / 2, 1 - stretch / 2])
            matrix[:, :2] = matrix[:, :2] @ aspect
            matrix[:, 2] = center - matrix[:, :2] @ center
        cv2.warpAffine(image, matrix, (width, height), dst=rotated[i], borderMode=border)
    return rotated


def _random_shift(images: Images, recipe: Recipe, rng: np.random.Generator) -> Images:
    limit = recipe.max_shift
    down, right = rng.integers(-limit, limit, (2, len(images), 1), endpoint=True)[..., 0]
    border = "constant" if recipe.crop == "garment" else "reflect"
    return shift_images(images, down, right, border=border)


def _color_jitter(images: Images, limit: float, rng: np.random.Generator) -> Images:
    """Change brightness and contrast, and saturation and balance of color images."""
    jittered = np.empty_like(images)
    bounds = (1 - limit, 1 + limit)
    for i, image in enumerate(images):
        brightness, contrast, saturation = rng.uniform(*bounds, 3).astype(np.float32)
        values = image * brightness
        if image.ndim == 3:
            balance = rng.uniform(1 - limit / 3, 1 + limit / 3, 3)
            values = values * balance.astype(np.float32)
            gray = values.mean(axis=2, keepdims=True)
            values = gray + (values - gray) * saturation
        mean = values.mean()
        jittered[i] = np.clip(mean + (values - mean) * contrast, 0, 255)
    return jittered


def _erase(images: Images, probability: float, rng: np.random.Generator) -> Images:
    """Overwrite a random rectangle of some images with noise."""
    num, (height, width) = len(images), images.shape[1:3]
    area = rng.uniform(ERASED_AREA[0], ERASED_AREA[1], num) * (height * width)
    aspect = np.exp(rng.uniform(-np.log(MAX_ERASED_ASPECT), np.log(MAX_ERASED_ASPECT), num))
    heights = np.clip(np.rint(np.sqrt(area * aspect)), 1, height - 1).astype(int)
    widths = np.clip(np.rint(np.sqrt(area / aspect)), 1, width - 1).astype(int)
    tops = rng.integers(0, height - heights, endpoint=True)
    lefts = rng.integers(0, width - widths, endpoint=True)
    down, across = np.arange(height), np.arange(width)
    inside_rows = (down >= tops[:, None]) & (down < (tops + heights)[:, None])
    inside_columns = (across >= lefts[:, None]) & (across < (lefts + widths)[:, None])
    chosen = rng.random(num) < probability
    erased = inside_rows[:, :, None] & inside_columns[:, None, :] & chosen[:, None, None]
    noise = rng.integers(0, 256, images.shape, dtype=np.uint8)
    return np.where(_broadcast(erased, images), noise, images)
