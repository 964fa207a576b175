"""Exponential moving average of a network's weights, which generalizes better than the last ones.

Source: Polyak and Juditsky 1992, https://doi.org/10.1137/0330046
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

WARM_UP = 10  # steps: an average of few steps forgets faster, as in TensorFlow's


class WeightAverage:
    """Averages of the float variables of a network, those of batch normalization included.

    Attributes:
        sources: The network's variables.
        variables: Their averages.
    """

    def __init__(self, variables: Sequence[Any], decay: float) -> None:
        self.sources = [each for each in variables if "float" in each.dtype]
        self.variables = [
            keras.Variable(
                np.array(each.value),  # a copy: Keras would share a variable of TensorFlow
                dtype=each.dtype,
                trainable=False,
                autocast=False,
                name=each.name,
            )
            for each in self.sources
        ]
        self._decay = decay

    def next_values(self, averages: Sequence[Any], values: Sequence[Any], step: Any) -> list[Any]:
        """Return the averages after one more step of training.

        Args:
            averages: Values before it.
            values: Weights after it.
            step: Number of steps so far, as a tensor.
        """
        step = ops.cast(step, "float32")
        rate = 1 - ops.minimum(self._decay, (1 + step) / (WARM_UP + step))
        return [
            average + rate * (value - average)
            for average, value in zip(averages, values, strict=True)
        ]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Hold the averages in the network while inside."""
        own = [np.array(each.value) for each in self.sources]
        self._assign([each.value for each in self.variables])
        try:
            yield
        finally:
            self._assign(own)

    def _assign(self, values: Sequence[Any]) -> None:
        for source, value in zip(self.sources, values, strict=True):
            source.assign(value)
