"""Augmentation: random changes of the training images, fresh in every epoch.

All images of a chunk are changed at once as uint8 arrays outside the model: augmentation layers
inside it would stay active in its exports.
"""

from collections.abc import Sequence

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.errors import UsageError
from ankleboot.core.types import Images, Indices
from ankleboot.recipes.recipe import Recipe

ERASED_AREA = (0.02, 0.33)  # fraction of the image, as in Zhong et al. 2017, arXiv 1708.04896
BORDERS = {"garment": 0, "cut-out": 255, "none": None, "both": None}
"""Value of the pixels around an image, by its crop; None for its mirror image."""
MAX_ERASED_ASPECT = 1 / 0.3  # height to width, or width to height


def augment(
    images: Images, recipe: Recipe, rng: np.random.Generator, labels: Sequence[str] = ()
) -> Images:
    """Return changed copies of images; without augmentation in the recipe, the images themselves.

    `labels` has the class name of each image; `photo_simulation` and `augmentation` need it.
    """
    if recipe.photo_simulation:
        from ankleboot.data.photo_simulation import simulate_photo  # here: imports OpenCV

        chosen = rng.random(len(images)) < recipe.photo_simulation
        images = images.copy()
        for i in map(int, np.flatnonzero(chosen)):
            images[i] = simulate_photo(images[i], labels[i], rng)
    if recipe.rotation or recipe.scale_jitter or recipe.aspect_jitter:
        images = _rotate_scale(images, recipe, rng)
    if recipe.flip:
        chosen = rng.random(len(images)) < 0.5
        images = images.copy()
        images[chosen] = images[chosen, :, ::-1]
    if recipe.max_shift:
        images = _random_shift(images, recipe, rng)
    if recipe.color_jitter:
        images = _color_jitter(images, recipe.color_jitter, rng)
    if recipe.random_erasing:
        images = _erase(images, recipe.random_erasing, rng)
    if name := recipe.augmentation:
        changed: Images = plugins.resolve("augmentations", name)(images, labels, rng)
        if getattr(changed, "shape", None) != images.shape or changed.dtype != np.uint8:
            raise UsageError(f"augmentation {name}: expected a uint8 array of shape {images.shape}")
        return changed
    return images


def mirror_images(images: Images) -> Images:
    """Return the mirror images, left to right."""
    mirrored: np.ndarray = np.ascontiguousarray(images[:, :, ::-1])
    return mirrored


def shift_images(
    images: Images,
    down: Indices | int,
    right: Indices | int,
    *,
    border: int | None = 0,
) -> Images:
    """Shift all images, or each, by whole pixels; negative distances are upwards and to the left.

    The border is the value of the pixels around an image, None for its mirror image.
    """
    down, right = (np.broadcast_to(distance, len(images)) for distance in (down, right))
    limit = int(max(np.abs(down).max(initial=0), np.abs(right).max(initial=0)))
    around = ((0, 0), (limit, limit), (limit, limit), (0, 0))
    width = around[: images.ndim]
    padded: np.ndarray = (
        np.pad(images, width, mode="reflect")
        if border is None
        else np.pad(images, width, constant_values=border)
    )
    # (n, height) and (n, width): source of every pixel
    rows = np.arange(images.shape[1]) + limit - down[:, None]
    columns = np.arange(images.shape[2]) + limit - right[:, None]
    index = np.arange(len(images))
    shifted: np.ndarray = padded[index[:, None, None], rows[:, :, None], columns[:, None, :]]
    return shifted


def _rotate_scale(images: Images, recipe: Recipe, rng: np.random.Generator) -> Images:
    """Rotate, scale and stretch about the center, bilinear."""
    import cv2  # the import costs 0.1 s

    num, jitter = len(images), recipe.aspect_jitter
    angles = rng.uniform(-recipe.rotation, recipe.rotation, num)
    scales = rng.uniform(1 - recipe.scale_jitter, 1 + recipe.scale_jitter, num)
    stretches = rng.uniform(-jitter, jitter, num) if jitter else np.zeros(num)
    height, width = images.shape[1:3]
    center = ((width - 1) / 2, (height - 1) / 2)
    value = BORDERS[recipe.crop]
    border = cv2.BORDER_REFLECT_101 if value is None else cv2.BORDER_CONSTANT
    rotated = np.empty_like(images)
    for i, (image, stretch) in enumerate(zip(images, stretches, strict=True)):
        matrix = cv2.getRotationMatrix2D(center, angles[i], scales[i])
        if stretch:
            matrix[:, :2] = matrix[:, :2] @ np.diag([1 + stretch / 2, 1 - stretch / 2])
            matrix[:, 2] = center - matrix[:, :2] @ center
        cv2.warpAffine(
            *(image, matrix, (width, height)),
            dst=rotated[i],
            borderMode=border,
            borderValue=(value or 0,) * 3,
        )
    return rotated


def _random_shift(images: Images, recipe: Recipe, rng: np.random.Generator) -> Images:
    limit = recipe.max_shift
    down, right = rng.integers(-limit, limit, (2, len(images)), endpoint=True)
    return shift_images(images, down, right, border=BORDERS[recipe.crop])


def _color_jitter(images: Images, limit: float, rng: np.random.Generator) -> Images:
    """Change brightness and contrast, and saturation and balance of color images."""
    jittered = np.empty_like(images)
    for i, image in enumerate(images):
        brightness, contrast, saturation = rng.uniform(1 - limit, 1 + limit, 3).astype(np.float32)
        values = image * brightness
        if image.ndim == 3:
            values = values * rng.uniform(1 - limit / 3, 1 + limit / 3, 3).astype(np.float32)
            gray = values.mean(axis=2, keepdims=True)
            values = gray + (values - gray) * saturation
        mean = values.mean()
        jittered[i] = np.clip(mean + (values - mean) * contrast, 0, 255)
    return jittered


def _erase(images: Images, probability: float, rng: np.random.Generator) -> Images:
    """Overwrite a random rectangle of some images with noise."""
    num, (height, width) = len(images), images.shape[1:3]
    area = rng.uniform(*ERASED_AREA, num) * (height * width)
    aspect = np.exp(rng.uniform(-np.log(MAX_ERASED_ASPECT), np.log(MAX_ERASED_ASPECT), num))
    heights = np.clip(np.rint(np.sqrt(area * aspect)), 1, height - 1).astype(int)
    widths = np.clip(np.rint(np.sqrt(area / aspect)), 1, width - 1).astype(int)
    tops = rng.integers(0, height - heights, endpoint=True)
    lefts = rng.integers(0, width - widths, endpoint=True)
    chosen = np.flatnonzero(rng.random(num) < probability)
    noise = rng.integers(0, 256, images.shape, dtype=np.uint8)
    images = images.copy()
    for i, top, left in zip(chosen, tops[chosen], lefts[chosen], strict=True):
        rectangle = i, slice(top, top + heights[i]), slice(left, left + widths[i])
        images[rectangle] = noise[rectangle]
    return images
