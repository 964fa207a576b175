"""Convolutional network: [convolution, activation, pooling] x blocks, dense, softmax."""

from collections.abc import Iterator
from typing import Any

import keras

from ankleboot.models import layers
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe


def build(recipe: Recipe, policy: ComputePolicy, num_classes: int) -> keras.Model:
    """Build the network; poolings are 2 x 2 with the padding of the convolutions.

    The dense layers read about the same number of values with every pooling (exactly so with
    padding "same"), so that networks with and without poolings have comparable parameters.
    """
    dtype, seeds = policy.dtype_policy, layers.seed_stream(recipe)
    inputs = keras.Input(layers.input_shape(recipe), name="inputs")
    x = convolutions(inputs, recipe, policy, seeds)
    x = _reduce(x, recipe, dtype)
    x = layers.dense(x, recipe, policy, seeds)
    probs = layers.classification_head(x, recipe, seeds, num_classes)
    return keras.Model(inputs, probs, name=recipe.name)


def convolutions(inputs: Any, recipe: Recipe, policy: ComputePolicy, seeds: Iterator[int]) -> Any:
    """Apply the input scaling and the blocks to pixels in [0, 1]; return feature maps."""
    dtype = policy.dtype_policy
    x = layers.scale_inputs(inputs, recipe, dtype)
    for block, filters in enumerate(recipe.block_filters()):
        x = _block(x, block, filters, recipe, policy, seeds)
    if recipe.pooling == "none":
        x = keras.layers.AveragePooling2D(
            2**recipe.blocks, padding=recipe.padding, name="places", dtype=dtype
        )(x)
    return x


def _block(
    x: Any, block: int, filters: int, recipe: Recipe, policy: ComputePolicy, seeds: Iterator[int]
) -> Any:
    dtype = policy.dtype_policy
    if recipe.stem == "dct" and block == 0:
        return _pool(layers.dct_stem(x, filters, recipe, dtype), block, recipe, dtype)
    pools_before_norm = recipe.block_order == "pool_norm_act"
    # max(f(x)) = f(max(x)) for a rising f: equal outputs, and f costs a quarter
    commutes = recipe.pooling == "max" and recipe.activation in ("relu", "leaky_relu")
    pools_before_act = policy.fused and commutes and not pools_before_norm
    # skip connections need feature maps of one size, so the first convolution makes the small ones
    pooled = 0 if recipe.residual else recipe.convs_per_block - 1
    for convolution in range(recipe.convs_per_block):
        name = f"block{block + 1}_conv{convolution + 1}"
        pools = convolution == pooled
        skipped = x if recipe.residual and convolution else None
        strides = 2 if recipe.pooling == "strided" and pools else 1
        is_first = block == convolution == 0
        x = layers.convolution(x, name, filters, strides, recipe, dtype, seeds, is_first=is_first)
        if pools_before_norm and pools:
            x = _pool(x, block, recipe, dtype)
        if recipe.batch_norm:
            x = layers.batch_norm(f"{name}_norm", policy)(x)
        if pools_before_act and pools:
            x = _pool(x, block, recipe, dtype)
        if skipped is not None:
            x = keras.layers.Add(name=f"{name}_add", dtype=dtype)([skipped, x])
        x = layers.activation(recipe, f"{name}_{recipe.activation}", dtype)(x)
        if pools and not (pools_before_norm or pools_before_act):
            x = _pool(x, block, recipe, dtype)
    if recipe.squeeze_excitation:
        x = layers.squeeze_excitation(x, f"block{block + 1}", recipe, dtype, seeds)
    if recipe.dropout:
        name = f"block{block + 1}_dropout"
        x = keras.layers.Dropout(recipe.dropout, seed=next(seeds), name=name, dtype=dtype)(x)
    return x


def _pool(x: Any, block: int, recipe: Recipe, dtype: keras.DTypePolicy) -> Any:
    """Pool by 2 x 2 if the recipe has poolings."""
    kinds = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
    if recipe.pooling not in kinds:
        return x
    name = f"block{block + 1}_pool"
    return kinds[recipe.pooling](2, padding=recipe.padding, name=name, dtype=dtype)(x)


def _reduce(x: Any, recipe: Recipe, dtype: keras.DTypePolicy) -> Any:
    """Turn feature maps into a vector."""
    match recipe.global_pooling:
        case "average":
            return keras.layers.GlobalAveragePooling2D(name="mean", dtype=dtype)(x)
        case "max":
            return keras.layers.GlobalMaxPooling2D(name="max", dtype=dtype)(x)
    return keras.layers.Flatten(name="flatten", dtype=dtype)(x)
