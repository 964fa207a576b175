"""Features of photos for the out-of-distribution check.

The network (`tools/make_ood_features.py`) is the first part of EfficientNet-Lite0, which knows the
thousand kinds of things of ImageNet. A network that was trained on the classes of a model has
forgotten them: it tells garments from other things much less well (docs/experiments.md).
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from ankleboot.core.types import Image
from ankleboot.data.preprocessing.garment import resize_lanczos
from ankleboot.models.files.litert_network import LiteRTNetwork
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.files.ood_check import OodCheck
from ankleboot.models.pretrained.catalog import OOD_FEATURES


def similarity_of(image: Image, info: ModelMetadata) -> Callable[[int], float] | None:
    """Return the function from a label's index to the image's similarity to its training images.

    The image is the model's input. None if the model has no out-of-distribution check.

    Raises:
        ModelError: If the network's file is damaged; on the call.
    """
    if not info.ood_check:
        return None
    check = OodCheck.from_json(info.ood_check, info.recipe)
    return lambda index: check.similarity(ood_features(image), index)


def ood_features(image: Image) -> np.ndarray:
    """Return the features (192,) of a color image, which is resized to the network's input.

    Of an image with two squares the upper one counts: the garment cut out.

    Raises:
        ModelError: If the network's file is damaged.
    """
    network = _network()
    side = network.input_side
    image = image[: image.shape[1]]
    if image.shape[:2] != (side, side):
        image = resize_lanczos(image, side, side)
    return network(image)


@cache
def _network() -> LiteRTNetwork:
    return LiteRTNetwork(OOD_FEATURES)
