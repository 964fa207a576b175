"""A network without convolutions: pixels, dense layers, softmax."""

import keras

from ankleboot.models import layers
from ankleboot.models.layers import Arithmetic
from ankleboot.recipes import Recipe


def build(recipe: Recipe, arithmetic: Arithmetic, num_classes: int) -> keras.Model:
    """Build it: `dense_layers` hidden layers of `dense_units` each."""
    policy, seeds = arithmetic.policy, layers.seeds(recipe)
    inputs = keras.Input(layers.input_shape(recipe), name="inputs")
    x = layers.normalise(inputs, recipe, policy)
    x = keras.layers.Flatten(name="flatten", dtype=policy)(x)
    x = layers.dense(x, recipe, arithmetic, seeds)
    probs = layers.answers(x, recipe, seeds, num_classes)
    return keras.Model(inputs, probs, name=recipe.name)
