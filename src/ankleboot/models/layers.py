"""Layers that more than one architecture uses, chosen by a Recipe's words."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from ankleboot.recipes import Recipe

PIXEL_MEAN, PIXEL_STD = 0.2860, 0.3530
"""Of the 60,000 training images' pixels in [0, 1]."""


def dtype_policy(recipe: Recipe) -> keras.DTypePolicy:
    """bfloat16 arithmetic with float32 weights, or float32 throughout."""
    return keras.DTypePolicy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")


def seeds(recipe: Recipe) -> Iterator[int]:
    """Endless seeds for initialisers and dropout, decided by the recipe's seed alone.

    Explicit seeds keep Keras' global generator, and so the caller's other work, out of the run.
    """
    generator = np.random.default_rng([recipe.seed, 0x5EED])
    while True:
        yield int(generator.integers(2**31))


def normalise(x: Any, recipe: Recipe, policy: keras.DTypePolicy) -> Any:
    """Bring inputs in [0, 1] to the scale that the recipe wants the network to see."""
    match recipe.normalisation:
        case "none":
            return keras.layers.Rescaling(255.0, name="pixels", dtype=policy)(x)
        case "standard":
            return keras.layers.Rescaling(
                1 / PIXEL_STD, -PIXEL_MEAN / PIXEL_STD, name="standardised", dtype=policy
            )(x)
    return x


def activation(recipe: Recipe, name: str, policy: keras.DTypePolicy) -> keras.Layer:
    """The recipe's activation as a layer of its own."""
    match recipe.activation:
        case "leaky_relu":
            return keras.layers.LeakyReLU(recipe.leaky_slope, name=name, dtype=policy)
        case "gelu":
            return keras.layers.Activation("gelu", name=name, dtype=policy)
    return keras.layers.ReLU(name=name, dtype=policy)


def kernel(recipe: Recipe, seed: int) -> dict[str, Any]:
    """Arguments that every layer with a kernel shares: Glorot uniform, and L2 where wanted."""
    return {
        "kernel_initializer": keras.initializers.GlorotUniform(seed=seed),
        "kernel_regularizer": keras.regularizers.L2(recipe.l2) if recipe.l2 else None,
    }
