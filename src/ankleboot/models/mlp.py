"""A network without convolutions: pixels, dense layers, softmax."""

import keras

from ankleboot.models import layers
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe


def build(recipe: Recipe, arithmetic: ComputePolicy, num_classes: int) -> keras.Model:
    """Build it: `dense_layers` hidden layers of `dense_units` each."""
    policy, seeds = arithmetic.policy, layers.seed_stream(recipe)
    inputs = keras.Input(layers.input_shape(recipe), name="inputs")
    x = layers.scale_inputs(inputs, recipe, policy)
    x = keras.layers.Flatten(name="flatten", dtype=policy)(x)
    x = layers.dense(x, recipe, arithmetic, seeds)
    probs = layers.classification_head(x, recipe, seeds, num_classes)
    return keras.Model(inputs, probs, name=recipe.name)
