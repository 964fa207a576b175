"""Optimizers with the settings of a recipe."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.recipe import OPTIONS
from ankleboot.training.optimizers.build import build_optimizer


@pytest.mark.parametrize("name", OPTIONS["optimizer"].choices)
def test_weight_decay_shrinks_kernels_but_not_biases(name: str) -> None:
    kernel, bias = (
        keras.Variable(np.ones(2), name="kernel"),
        keras.Variable(np.ones(2), name="bias"),
    )
    optimizer = build_optimizer(replace(PLAIN, optimizer=name, weight_decay=0.1))
    optimizer.build([kernel, bias])
    optimizer.learning_rate.assign(0.5)
    optimizer.apply([np.zeros(2, np.float32)] * 2, [kernel, bias])
    np.testing.assert_allclose(kernel, 0.95)  # 1 - rate * decay
    np.testing.assert_allclose(bias, 1.0)


def test_momentum_reaches_the_optimizers_that_have_it() -> None:
    for name in ("sgd", "rmsprop"):
        assert build_optimizer(replace(PLAIN, optimizer=name, momentum=0.7)).momentum == 0.7
