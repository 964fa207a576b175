"""Contract of a backbone: how its network is built and gets its weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from ankleboot.models.layers import ComputePolicy


@dataclass(frozen=True)
class Backbone:
    """How a network is built and gets its weights.

    Attributes:
        features: From pixels (n, height, width, 3) in [0, 1] to (n, rows, columns, filters).
        load_weights: Gives a model with those layers the weights: of the file that is named, or
            with an empty name of where they usually come from.
        grey: Takes one channel in place of three, and few enough places that all are kept.
    """

    features: Callable[[Any, ComputePolicy], Any]
    load_weights: Callable[[keras.Model, str], None]
    grey: bool = False
