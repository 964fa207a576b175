"""Pixel transforms that a variant applies to all images, for training and validation."""

from dataclasses import replace

import numpy as np

from ankleboot.core.types import SomeImages
from ankleboot.data.dataset import Dataset
from ankleboot.studies.study import IDENTITY

SHUFFLED = "shuffled"


def shuffle_pixels(images: SomeImages) -> SomeImages:
    """Reorder the pixels of every image by the same random permutation."""
    flat = images.reshape(len(images), -1)
    order = np.random.default_rng(0).permutation(flat.shape[1])
    reordered: np.ndarray = flat[:, order].reshape(images.shape)
    return reordered


PIXEL_TRANSFORMS = {IDENTITY: lambda images: images, SHUFFLED: shuffle_pixels}


def transform_pixels(data: Dataset, name: str) -> Dataset:
    """Transform the training file of a data set; studies do not use the test images."""
    images = PIXEL_TRANSFORMS[name](data.train.images)
    return replace(data, train=replace(data.train, images=images))
