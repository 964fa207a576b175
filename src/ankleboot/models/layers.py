"""Layers that several architectures share, chosen by the fields of a recipe."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from ankleboot.core.classes import PIXEL_MEAN, PIXEL_STD
from ankleboot.recipes.recipe import Recipe

PHOTO_MEAN, PHOTO_STD = 0.449, 0.226
"""Mean and standard deviation of photo pixels: those of ImageNet, averaged over the colors."""

OPPONENTS = np.array([[1, 1, 1], [1, 1, -2], [1.5, -1.5, 0]]) / 3
"""Brightness, yellow minus blue, red minus green."""

CHROMA_HALF_WAVES = 2
SQUEEZE_RATIO = 4
NORM_MOMENTUM = 0.9  # Keras' 0.99 makes moving statistics lag behind in runs of few steps


@dataclass(frozen=True)
class ComputePolicy:
    """Arithmetic of a network; its variables are float32 and the same with every policy.

    Attributes:
        dtype: Type of the computation: "float32" or "bfloat16".
        fused: Whether to use cheaper operations with equal outputs, in training only.
    """

    dtype: str = "float32"
    fused: bool = False

    @property
    def dtype_policy(self) -> keras.DTypePolicy:
        """Dtype policy for the layers."""
        return keras.DTypePolicy("mixed_bfloat16" if self.dtype == "bfloat16" else self.dtype)


def input_shape(recipe: Recipe) -> tuple[int, int, int]:
    """Return height, width and channels of the network's input."""
    return (recipe.image_size, recipe.image_size, 3 if recipe.color else 1)


def seed_stream(recipe: Recipe) -> Iterator[int]:
    """Yield seeds for initializers and dropout from the recipe's seed.

    With explicit seeds, runs neither use nor change Keras' global generator.
    """
    generator = np.random.default_rng([recipe.seed, 0x5EED])
    while True:
        yield int(generator.integers(2**31))


def scale_inputs(x: Any, recipe: Recipe, dtype: keras.DTypePolicy) -> Any:
    """Scale inputs in [0, 1] as `recipe.input_scaling` asks."""
    match recipe.input_scaling:
        case "none":
            return keras.layers.Rescaling(255.0, name="pixels", dtype=dtype)(x)
        case "standard":
            photo = recipe.crop != "garment"
            mean, std = (PHOTO_MEAN, PHOTO_STD) if photo else (PIXEL_MEAN, PIXEL_STD)
            scaling = keras.layers.Rescaling(1 / std, -mean / std, name="standardised", dtype=dtype)
            return scaling(x)
    return x


def convolution(
    x: Any,
    name: str,
    filters: int,
    strides: int,
    recipe: Recipe,
    dtype: keras.DTypePolicy,
    seeds: Iterator[int],
    *,
    is_first: bool,
) -> Any:
    """Apply a convolution of the recipe's kind; the first one of a network is always standard.

    A separable one is a kernel per channel and a 1 x 1 convolution, which has about a ninth of the
    parameters (Howard et al. 2017, arXiv:1704.04861).
    """
    shared = {"padding": recipe.padding, "dtype": dtype}
    if recipe.convolution == "separable" and not is_first:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        x = keras.layers.DepthwiseConv2D(
            recipe.kernel_size,
            strides=strides,
            use_bias=False,
            depthwise_initializer=initializer,
            depthwise_regularizer=keras.regularizers.L2(recipe.l2) if recipe.l2 else None,
            name=f"{name}_depthwise",
            **shared,
        )(x)
        kernel_size, strides = 1, 1
    else:
        kernel_size = recipe.kernel_size
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        use_bias=not recipe.batch_norm,  # batch normalization has its own
        name=name,
        **shared,
        **kernel_args(recipe, next(seeds)),
    )(x)


def squeeze_excitation(
    x: Any, block: str, recipe: Recipe, dtype: keras.DTypePolicy, seeds: Iterator[int]
) -> Any:
    """Weight the channels by a small network that reads their means.

    Source: Hu et al. 2017, https://arxiv.org/abs/1709.01507
    """
    filters = x.shape[-1]
    weights = keras.layers.GlobalAveragePooling2D(
        keepdims=True, name=f"{block}_squeeze", dtype=dtype
    )(x)
    for name, num, kind in (
        ("reduce", max(1, filters // SQUEEZE_RATIO), "relu"),
        ("excite", filters, "sigmoid"),
    ):
        weights = keras.layers.Conv2D(
            num,
            1,
            activation=kind,
            name=f"{block}_{name}",
            dtype=dtype,
            **kernel_args(recipe, next(seeds)),
        )(weights)
    return keras.layers.Multiply(name=f"{block}_scale", dtype=dtype)([x, weights])


def activation(recipe: Recipe, name: str, dtype: keras.DTypePolicy) -> keras.Layer:
    """Create the recipe's activation layer."""
    match recipe.activation:
        case "leaky_relu":
            return keras.layers.LeakyReLU(recipe.negative_slope, name=name, dtype=dtype)
        case "gelu":
            return keras.layers.Activation("gelu", name=name, dtype=dtype)
    return keras.layers.ReLU(name=name, dtype=dtype)


def batch_norm(name: str, policy: ComputePolicy, *, momentum: float = NORM_MOMENTUM) -> keras.Layer:
    """Create batch normalization: Keras' layer, or the fused layer with the same variables."""
    if policy.fused:
        from ankleboot.models.fused_batch_norm import FusedBatchNormalization  # TensorFlow only

        return FusedBatchNormalization(
            momentum=momentum, name=name, dtype="float32", autocast=False
        )
    return keras.layers.BatchNormalization(momentum=momentum, name=name, dtype=policy.dtype_policy)


def dense(x: Any, recipe: Recipe, policy: ComputePolicy, seeds: Iterator[int]) -> Any:
    """Apply the hidden dense layers, each with activation and dropout.

    Only a network without convolutions has batch normalization here.
    """
    dtype = policy.dtype_policy
    for number in range(recipe.dense_layers if recipe.dense_units else 0):
        name = f"dense{number + 1}" if number else "dense"
        x = keras.layers.Dense(
            recipe.dense_units, name=name, dtype=dtype, **kernel_args(recipe, next(seeds))
        )(x)
        if recipe.batch_norm and recipe.architecture == "mlp":
            # the fused layer takes images only
            x = batch_norm(f"{name}_norm", replace(policy, fused=False))(x)
        x = activation(recipe, f"{name}_{recipe.activation}", dtype)(x)
        if recipe.dropout:
            x = keras.layers.Dropout(
                recipe.dropout, seed=next(seeds), name=f"{name}_dropout", dtype=dtype
            )(x)
    return x


def classification_head(x: Any, recipe: Recipe, seeds: Iterator[int], num_classes: int) -> Any:
    """Apply the last two layers, in float32: bfloat16 is too coarse for probabilities."""
    logits = keras.layers.Dense(
        num_classes, name="logits", dtype="float32", **kernel_args(recipe, next(seeds))
    )(x)
    return keras.layers.Softmax(name="probs", dtype="float32")(logits)


def dct_patterns(num: int, *, color: bool = False) -> np.ndarray:
    """Compute the `num` smoothest patterns of the two-dimensional discrete cosine transform.

    They cover the smallest square patches that have `num` patterns, and are close to the principal
    components of image patches (Ahmed, Natarajan and Rao 1974). Images contain less of the finer
    patterns. The norm (1 + u + v) / 4 of a pattern with u and v half-waves compensates for this, so
    that all outputs have about the scale of standardized pixels.

    In color each pattern occurs in brightness and in two opponent colors (blue and yellow, red and
    green), which rank as if they were `CHROMA_HALF_WAVES` half-waves finer.

    Returns:
        A kernel (side, side, 1 or 3, num), smoothest first.
    """
    side = math.isqrt(num - 1) + 1
    position, frequency = np.arange(side), np.arange(side)[:, None]
    waves = np.cos(np.pi * (position + 0.5) * frequency / side) * math.sqrt(2 / side)
    waves[0] /= math.sqrt(2)
    mixtures = OPPONENTS if color else np.ones((1, 1))
    patterns = sorted(
        np.ndindex(side, side, len(mixtures)),
        key=lambda key: (key[0] + key[1] + CHROMA_HALF_WAVES * (key[2] > 0), key),
    )[:num]
    kernels = [
        np.multiply.outer(np.outer(waves[u], waves[v]) * (1 + u + v) / 4, mixtures[mixture])
        for u, v, mixture in patterns
    ]
    return np.stack(kernels, axis=-1).astype(np.float32)


def dct_stem(x: Any, filters: int, recipe: Recipe, dtype: keras.DTypePolicy) -> Any:
    """Apply a fixed first convolution, which saves the gradients below the first trained layer.

    The max pooling behind it is the only nonlinearity of the block.
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
        dtype=dtype,
    )
    x = layer(x)
    # an initializer of this package would make saved files depend on it
    layer.kernel.assign(patterns)
    return x


def kernel_args(recipe: Recipe, seed: int) -> dict[str, Any]:
    """Return the arguments of layers with a kernel: Glorot uniform, and L2 if the recipe has it."""
    return {
        "kernel_initializer": keras.initializers.GlorotUniform(seed=seed),
        "kernel_regularizer": keras.regularizers.L2(recipe.l2) if recipe.l2 else None,
    }
