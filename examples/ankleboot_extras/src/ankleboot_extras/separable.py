"""Network of depthwise separable convolutions (Howard et al. 2017, arXiv:1704.04861)."""

import keras

from ankleboot.models import layers
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe


def build(recipe: Recipe, policy: ComputePolicy, num_classes: int) -> keras.Model:
    """Build the network; `--set model.width=N` sets the channels of its first block (16)."""
    width = int(recipe.model_options.get("width", 16))
    seeds = layers.seed_stream(recipe)
    inputs = keras.Input(layers.input_shape(recipe), name="inputs")
    x = inputs
    for block in range(3):
        x = keras.layers.SeparableConv2D(
            width * 2**block,
            3,
            padding="same",
            activation="relu",
            depthwise_initializer=keras.initializers.GlorotUniform(next(seeds)),
            pointwise_initializer=keras.initializers.GlorotUniform(next(seeds)),
            dtype=policy.dtype_policy,
            name=f"block{block + 1}",
        )(x)
        x = keras.layers.MaxPooling2D(2, dtype=policy.dtype_policy, name=f"pool{block + 1}")(x)
    x = keras.layers.GlobalAveragePooling2D(dtype=policy.dtype_policy, name="average")(x)
    probs = layers.classification_head(x, recipe, seeds, num_classes)
    return keras.Model(inputs, probs, name="separable")
