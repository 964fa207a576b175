"""What is done to all images, training and validation alike, before a variant sees them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ankleboot.core.types import SomeImages
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.studies.study import IDENTITY

SHUFFLED = "shuffled"


def shuffled(images: SomeImages) -> SomeImages:
    """The pixels of every image in one and the same new order: what stood together is apart."""
    flat = images.reshape(len(images), -1)
    order = np.random.default_rng(0).permutation(flat.shape[1])
    moved: np.ndarray = flat[:, order].reshape(images.shape)
    return moved


PIXEL_TRANSFORMS: Mapping[str, Callable[[SomeImages], SomeImages]] = MappingProxyType(
    {IDENTITY: lambda images: images, SHUFFLED: shuffled}
)


def transform_pixels(data: Dataset, name: str) -> Dataset:
    """The data set with its training images treated; the test images are none of a study's."""
    part = data.train
    images = PIXEL_TRANSFORMS[name](part.images)
    return replace(data, train=LabeledImages(images, part.labels, part.names))
