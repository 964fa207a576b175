"""Dense networks against NumPy."""

from dataclasses import replace

import numpy as np

from ankleboot.core.classes import PIXEL_MEAN, PIXEL_STD
from ankleboot.models import architectures
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.catalog import LEAKY, PLAIN
from ankleboot.recipes.recipe import Recipe

INPUTS = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)


def kinds(recipe: Recipe) -> list[str]:
    return [type(layer).__name__ for layer in architectures.build_model(recipe).layers]


def test_a_dense_network_is_the_one_written_by_hand() -> None:
    recipe = replace(
        PLAIN, architecture="mlp", dense_layers=2, dense_units=20, input_scaling="standard"
    )
    ours = architectures.build_model(recipe)
    assert ours.count_params() == 784 * 20 + 20 + 20 * 20 + 20 + 20 * 10 + 10
    x = (INPUTS.reshape(2, 784) - PIXEL_MEAN) / PIXEL_STD
    weights = ours.get_weights()
    for kernel, bias in zip(weights[0:4:2], weights[1:4:2], strict=True):
        x = np.maximum(x @ kernel + bias, 0)
    logits = x @ weights[4] + weights[5]
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(ours(INPUTS), raised / raised.sum(1, keepdims=True), atol=1e-5)


def test_a_dense_network_may_be_deep_with_dropout_and_normalization() -> None:
    recipe = replace(PLAIN, architecture="mlp", dense_layers=3, dropout=0.2, batch_norm=True)
    for policy in (None, ComputePolicy("bfloat16", fused=True)):
        types = [type(layer).__name__ for layer in architectures.build_model(recipe, policy).layers]
        assert [types.count(k) for k in ("Dense", "Dropout", "BatchNormalization")] == [4, 3, 3]
    assert kinds(replace(LEAKY, dense_layers=2)).count("Dense") == 3
