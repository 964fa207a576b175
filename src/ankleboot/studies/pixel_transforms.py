"""Pixel transforms that a variant applies to all images, for training and validation."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ankleboot.core.types import SomeImages
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.studies.study import IDENTITY

SHUFFLED = "shuffled"


def shuffle_pixels(images: SomeImages) -> SomeImages:
    """Reorder the pixels of every image by the same random permutation."""
    flat = images.reshape(len(images), -1)
    order = np.random.default_rng(0).permutation(flat.shape[1])
    reordered: np.ndarray = flat[:, order].reshape(images.shape)
    return reordered


PIXEL_TRANSFORMS: Mapping[str, Callable[[SomeImages], SomeImages]] = MappingProxyType(
    {IDENTITY: lambda images: images, SHUFFLED: shuffle_pixels}
)


def transform_pixels(data: Dataset, name: str) -> Dataset:
    """Transform the training file of a data set; studies do not use the test images."""
    train = data.train
    images = PIXEL_TRANSFORMS[name](train.images)
    return replace(data, train=LabeledImages(images, train.labels, train.names))
