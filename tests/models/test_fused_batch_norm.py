"""Fused batch normalization against Keras' layer."""

import keras
import numpy as np
import pytest

from ankleboot.models.layers import ComputePolicy, batch_norm


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("training", [True, False])
def test_fused_normalization_computes_what_keras_layer_does(dtype: str, training: bool) -> None:
    generator = np.random.default_rng(2)
    inputs = generator.normal(3, 2, (8, 5, 5, 4)).astype(np.float32)
    weights = [generator.random(4) for _ in range(4)]
    outputs, statistics = [], []
    for fused in (True, False):
        layer = batch_norm("norm", ComputePolicy(dtype, fused))
        layer.build(inputs.shape)
        layer.set_weights(weights)
        outputs.append(np.asarray(layer(keras.ops.cast(inputs, dtype), training=training), float))
        statistics.append(layer.get_weights())
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-5 if dtype == "float32" else 0.04)
    for fused_value, value in zip(*statistics, strict=True):
        np.testing.assert_allclose(fused_value, value, rtol=1e-4 if dtype == "float32" else 2e-2)


def test_a_frozen_layer_normalizes_by_its_moving_statistics() -> None:
    inputs = np.random.default_rng(2).normal(3, 2, (8, 5, 5, 4)).astype(np.float32)
    outputs = []
    for fused in (True, False):
        layer = batch_norm("norm", ComputePolicy(fused=fused))
        layer.trainable = False
        outputs.append(np.asarray(layer(inputs, training=True)))
        np.testing.assert_array_equal(layer.moving_mean, np.zeros(4))
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-5)
