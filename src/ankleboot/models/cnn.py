"""The ancestors' network: [convolution, activation, pooling] x blocks, dense, softmax."""

from collections.abc import Iterator
from typing import Any

import keras

from ankleboot.models import layers
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe


def build(recipe: Recipe, arithmetic: ComputePolicy, num_classes: int) -> keras.Model:
    """Build it; the poolings are 2x2 with the same padding as the convolutions.

    Whatever the pooling, the dense layers read about as many values (with padding "same" exactly),
    so that networks with and without poolings compare parameter by parameter.
    """
    policy, seeds = arithmetic.policy, layers.seed_stream(recipe)
    inputs = keras.Input(layers.input_shape(recipe), name="inputs")
    x = convolutions(inputs, recipe, arithmetic, seeds)
    x = keras.layers.Flatten(name="flatten", dtype=policy)(x)
    x = layers.dense(x, recipe, arithmetic, seeds)
    probs = layers.classification_head(x, recipe, seeds, num_classes)
    return keras.Model(inputs, probs, name=recipe.name)


def convolutions(
    inputs: Any, recipe: Recipe, arithmetic: ComputePolicy, seeds: Iterator[int]
) -> Any:
    """The blocks: from pixels in [0, 1] to feature maps."""
    policy = arithmetic.policy
    pool_type = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}

    def pool(x: Any, block: int) -> Any:
        name = f"block{block + 1}_pool"
        if recipe.pooling not in pool_type:
            return x
        return pool_type[recipe.pooling](2, padding=recipe.padding, name=name, dtype=policy)(x)

    x = layers.scale_inputs(inputs, recipe, policy)
    pools_first = recipe.block_order == "pool_norm_act"
    # max(f(x)) = f(max(x)) for f that only rises: the same answers from a quarter of the work
    commutes = recipe.pooling == "max" and recipe.activation in ("relu", "leaky_relu")
    pools_early = arithmetic.fused and commutes and not pools_first
    for block, filters in enumerate(recipe.block_filters()):
        if recipe.stem == "dct" and block == 0:
            x = pool(layers.dct_stem(x, filters, recipe, policy), block)
            continue
        for convolution in range(recipe.convs_per_block):
            place = f"block{block + 1}_conv{convolution + 1}"
            is_last = convolution == recipe.convs_per_block - 1
            x = keras.layers.Conv2D(
                filters,
                recipe.kernel_size,
                strides=2 if recipe.pooling == "strided" and is_last else 1,
                padding=recipe.padding,
                use_bias=not recipe.batch_norm,  # batch normalisation brings its own
                name=place,
                dtype=policy,
                **layers.kernel_args(recipe, next(seeds)),
            )(x)
            if pools_first and is_last:
                x = pool(x, block)
            if recipe.batch_norm:
                x = layers.batch_norm(f"{place}_norm", arithmetic)(x)
            if pools_early and is_last:
                x = pool(x, block)
            x = layers.activation(recipe, f"{place}_{recipe.activation}", policy)(x)
        if not (pools_first or pools_early):
            x = pool(x, block)
        if recipe.dropout:
            x = keras.layers.Dropout(
                recipe.dropout, seed=next(seeds), name=f"block{block + 1}_dropout", dtype=policy
            )(x)
    if recipe.pooling == "none":
        x = keras.layers.AveragePooling2D(
            2**recipe.blocks, padding=recipe.padding, name="places", dtype=policy
        )(x)
    return x
