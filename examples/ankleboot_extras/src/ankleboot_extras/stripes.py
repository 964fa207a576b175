"""Data set of striped images: horizontal or vertical stripes with noise."""

import hashlib
from typing import Any

import numpy as np

from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.recipes.image_spec import ImageSpec

NUM_TRAIN, NUM_TEST = 600, 200


def load(image_spec: ImageSpec, **options: Any) -> Dataset:
    """Draw the images; equal calls give equal images."""
    rng = np.random.default_rng(0)
    train = _draw(rng, NUM_TRAIN, image_spec.image_shape)
    test = _draw(rng, NUM_TEST, image_spec.image_shape)
    return Dataset(
        name="stripes",
        train=train,
        test=test,
        source="drawn by ankleboot_extras",
        sha256={"train": _sha256(train), "test": _sha256(test)},
        class_names=("horizontal", "vertical"),
    )


def _draw(rng: np.random.Generator, number: int, shape: tuple[int, ...]) -> LabeledImages:
    labels = rng.integers(0, 2, number).astype(np.uint8)
    waves = 127.5 + 80 * np.sin(np.arange(shape[0]) * rng.uniform(0.5, 1.5, (number, 1)))
    horizontal = np.broadcast_to(waves[:, :, None], (number, shape[0], shape[0]))
    images = np.where(labels[:, None, None] == 0, horizontal, horizontal.transpose(0, 2, 1))
    images = images + rng.normal(0, 20, images.shape)
    pixels = np.clip(images, 0, 255).astype(np.uint8)
    if len(shape) == 3:
        pixels = np.repeat(pixels[..., None], shape[2], axis=3)
    return LabeledImages(pixels, labels)


def _sha256(data: LabeledImages) -> str:
    return hashlib.sha256(data.images.tobytes() + data.labels.tobytes()).hexdigest()
