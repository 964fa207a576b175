"""Contract of a backbone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from ankleboot.models.layers import ComputePolicy


@dataclass(frozen=True)
class Backbone:
    """Pretrained network without its classifier.

    Attributes:
        features: Function from pixels (n, height, width, 3) in [0, 1] and a policy to features
            (n, rows, columns, filters).
        load_weights: Function that loads pretrained weights into a model with those layers, from
            a file, or from the backbone's own source if the path is empty. It raises ModelError
            for a file of other weights, EnvironmentFailure for a missing source.
        gray: Whether the network takes one channel; its features are flattened, not averaged.
    """

    features: Callable[[Any, ComputePolicy], Any]
    load_weights: Callable[[keras.Model, str], None]
    gray: bool = False
