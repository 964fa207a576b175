"""Multilayer perceptron: pixels, dense layers, softmax."""

import keras

from ankleboot.models import layers
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe


def build(recipe: Recipe, policy: ComputePolicy, num_classes: int) -> keras.Model:
    """Build the network with `dense_layers` hidden layers of `dense_units` each."""
    dtype, seeds = policy.dtype_policy, layers.seed_stream(recipe)
    inputs = keras.Input(layers.input_shape(recipe), name="inputs")
    x = layers.scale_inputs(inputs, recipe, dtype)
    x = keras.layers.Flatten(name="flatten", dtype=dtype)(x)
    x = layers.dense(x, recipe, policy, seeds)
    probs = layers.classification_head(x, recipe, seeds, num_classes)
    return keras.Model(inputs, probs, name=recipe.name)
