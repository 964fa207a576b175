"""Networks that have learned to see elsewhere, one per file: features for `transfer`.

To add one, add a file with these two functions and a line here (and to
the choices of `Recipe.backbone`; a test compares the two).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import keras

from ankleboot.models.backbones import applications, efficientnet_lite, fashion_mnist
from ankleboot.models.layers import Arithmetic


@dataclass(frozen=True)
class Backbone:
    """How a network is built and gets its weights.

    Attributes:
        features: From pixels (n, height, width, 3) in [0, 1] to (n, rows, columns, filters).
        load_weights: Gives a model with those layers the weights: of the file that is named, or
            with an empty name of where they usually come from.
        grey: Takes one channel in place of three, and few enough places that all are kept.
    """

    features: Callable[[Any, Arithmetic], Any]
    load_weights: Callable[[keras.Model, str], None]
    grey: bool = False


BACKBONES: Mapping[str, Backbone] = MappingProxyType(
    {
        "efficientnet_lite0": Backbone(efficientnet_lite.features, efficientnet_lite.load_weights),
        "efficientnet_lite0_small": Backbone(
            partial(efficientnet_lite.features, small=True), efficientnet_lite.load_weights
        ),
        "fashion_mnist": Backbone(fashion_mnist.features, fashion_mnist.load_weights, grey=True),
    }
    | {
        name: Backbone(
            partial(applications.features, name), partial(applications.load_weights, name)
        )
        for name in applications.NAMES
    }
)
