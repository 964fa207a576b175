"""Layers that more than one architecture uses, chosen by a Recipe's words."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from ankleboot.recipes.recipe import Recipe

PIXEL_MEAN, PIXEL_STD = 0.2860, 0.3530
"""Of the pixels in [0, 1] of Fashion-MNIST's 60,000 training images."""

PHOTO_MEAN, PHOTO_STD = 0.449, 0.226
"""Of photographs' pixels: ImageNet's, averaged over its colors."""

NORM_MOMENTUM = 0.9  # of the moving statistics; Keras' 0.99 lags behind in runs of few steps


@dataclass(frozen=True)
class ComputePolicy:
    """How a network computes; its variables are the same (in float32) whatever is chosen here."""

    dtype: str = "float32"
    fused: bool = False  # cheaper operations that give the same answers, in training only

    @property
    def policy(self) -> keras.DTypePolicy:
        """Keras' word for it."""
        return keras.DTypePolicy("mixed_bfloat16" if self.dtype == "bfloat16" else self.dtype)


def input_shape(recipe: Recipe) -> tuple[int, int, int]:
    """Height, width and channels of what a network takes."""
    return (recipe.image_size, recipe.image_size, 3 if recipe.color else 1)


def seed_stream(recipe: Recipe) -> Iterator[int]:
    """Endless seeds for initialisers and dropout, decided by the recipe's seed alone.

    Explicit seeds keep Keras' global generator, and so the caller's other work, out of the run.
    """
    generator = np.random.default_rng([recipe.seed, 0x5EED])
    while True:
        yield int(generator.integers(2**31))


def scale_inputs(x: Any, recipe: Recipe, policy: keras.DTypePolicy) -> Any:
    """Bring inputs in [0, 1] to the scale that the recipe wants the network to see."""
    match recipe.input_scaling:
        case "none":
            return keras.layers.Rescaling(255.0, name="pixels", dtype=policy)(x)
        case "standard":
            mean, std = PIXEL_MEAN, PIXEL_STD
            if recipe.crop == "none":
                mean, std = PHOTO_MEAN, PHOTO_STD
            return keras.layers.Rescaling(1 / std, -mean / std, name="standardised", dtype=policy)(
                x
            )
    return x


def activation(recipe: Recipe, name: str, policy: keras.DTypePolicy) -> keras.Layer:
    """The recipe's activation as a layer of its own."""
    match recipe.activation:
        case "leaky_relu":
            return keras.layers.LeakyReLU(recipe.negative_slope, name=name, dtype=policy)
        case "gelu":
            return keras.layers.Activation("gelu", name=name, dtype=policy)
    return keras.layers.ReLU(name=name, dtype=policy)


def batch_norm(
    name: str, arithmetic: ComputePolicy, *, momentum: float = NORM_MOMENTUM
) -> keras.Layer:
    """Batch normalisation: Keras' own layer, or the fused one with the same variables."""
    if arithmetic.fused:
        from ankleboot.models.fused_batch_norm import FusedBatchNormalization  # TensorFlow only

        return FusedBatchNormalization(
            momentum=momentum, name=name, dtype="float32", autocast=False
        )
    return keras.layers.BatchNormalization(momentum=momentum, name=name, dtype=arithmetic.policy)


def dense(x: Any, recipe: Recipe, arithmetic: ComputePolicy, seeds: Iterator[int]) -> Any:
    """The hidden dense layers, each with its activation and dropout.

    Batch normalisation comes behind convolutions, and here only where there are none.
    """
    policy = arithmetic.policy
    for number in range(recipe.dense_layers if recipe.dense_units else 0):
        place = f"dense{number + 1}" if number else "dense"
        x = keras.layers.Dense(
            recipe.dense_units, name=place, dtype=policy, **kernel_args(recipe, next(seeds))
        )(x)
        if recipe.batch_norm and recipe.architecture == "mlp":
            # never the fused one, which is for images
            x = batch_norm(f"{place}_norm", replace(arithmetic, fused=False))(x)
        x = activation(recipe, f"{place}_{recipe.activation}", policy)(x)
        if recipe.dropout:
            x = keras.layers.Dropout(
                recipe.dropout, seed=next(seeds), name=f"{place}_dropout", dtype=policy
            )(x)
    return x


def classification_head(x: Any, recipe: Recipe, seeds: Iterator[int], num_classes: int) -> Any:
    """The last two layers; in float32: eight bits of mantissa are too few for probabilities."""
    logits = keras.layers.Dense(
        num_classes, name="logits", dtype="float32", **kernel_args(recipe, next(seeds))
    )(x)
    return keras.layers.Softmax(name="probs", dtype="float32")(logits)


def dct_patterns(num: int, *, color: bool = False) -> np.ndarray:
    """The `num` smoothest patterns of the two-dimensional discrete cosine transform.

    They cover square patches whose side is the smallest that has `num` patterns, and are close to
    the principal components of image patches (Ahmed, Natarajan and Rao 1974). The weaker answer
    of images to finer patterns is made up for: the norm of a pattern with u and v half-waves is
    (1 + u + v) / 4, so that all answers are of about the size of standardised pixels.

    In color every pattern comes in brightness and, as if it were `CHROMA_LATER` half-waves finer,
    in two opposed colors (blue and yellow, red and green).

    Returns:
        A kernel (side, side, 1 or 3, num), smoothest first.
    """
    side = math.isqrt(num - 1) + 1
    place, frequency = np.arange(side), np.arange(side)[:, None]
    waves = np.cos(np.pi * (place + 0.5) * frequency / side) * math.sqrt(2 / side)
    waves[0] /= math.sqrt(2)
    mixtures = OPPONENTS if color else np.ones((1, 1))
    found = sorted(
        np.ndindex(side, side, len(mixtures)),
        key=lambda one: (one[0] + one[1] + CHROMA_LATER * (one[2] > 0), one),
    )[:num]
    kernels = [
        np.multiply.outer(np.outer(waves[u], waves[v]) * (1 + u + v) / 4, mixtures[mixture])
        for u, v, mixture in found
    ]
    return np.stack(kernels, axis=-1).astype(np.float32)


OPPONENTS = np.array([[1, 1, 1], [1, 1, -2], [1.5, -1.5, 0]]) / 3
"""Brightness, yellow less blue, red less green."""

CHROMA_LATER = 2


def dct_stem(x: Any, filters: int, recipe: Recipe, policy: keras.DTypePolicy) -> Any:
    """A first convolution that is not trained: what it would learn costs more than it brings.

    Nothing below the first trained layer needs a gradient, and the maximum of the pooling behind
    it is all the non-linearity there is.
    """
    patterns = dct_patterns(filters, color=recipe.color)
    layer = keras.layers.Conv2D(
        filters,
        patterns.shape[0],
        padding=recipe.padding,
        use_bias=False,
        kernel_initializer="zeros",
        trainable=False,
        name="block1_cosines",
        dtype=policy,
    )
    x = layer(x)
    layer.kernel.assign(patterns)  # no initialiser: saved files should not need one of ours
    return x


def kernel_args(recipe: Recipe, seed: int) -> dict[str, Any]:
    """Arguments that every layer with a kernel shares: Glorot uniform, and L2 where wanted."""
    return {
        "kernel_initializer": keras.initializers.GlorotUniform(seed=seed),
        "kernel_regularizer": keras.regularizers.L2(recipe.l2) if recipe.l2 else None,
    }
