"""A backbone that has seen other pictures, and a new last layer for these classes.

Source: Yosinski et al. 2014, https://arxiv.org/abs/1411.1792
"""

from typing import Any

import keras

from ankleboot.core import plugins
from ankleboot.models import layers
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe

FEATURES = "features"
"""The layer whose output is all that the last layers see of an image: what is before it is frozen
for `recipe.head_epochs`."""


def build(recipe: Recipe, arithmetic: ComputePolicy, num_classes: int) -> keras.Model:
    """Build it, with the backbone's own weights; the last layer is fresh.

    Raises:
        EnvironmentFailure: If the weights are not on this machine and cannot be fetched.
        ModelError: If the file named by `recipe.weights` is not the backbone's.
    """
    policy, seeds = arithmetic.policy, layers.seed_stream(recipe)
    size, channels = recipe.image_size, 3 if recipe.color else 1
    inputs = keras.Input((size, size, channels), name="inputs")
    x: Any = inputs
    backbone = plugins.resolve("backbones", recipe.backbone)
    if not (recipe.color or backbone.grey):
        x = keras.layers.Concatenate(name="grey_as_color")([inputs] * 3)
    x = backbone.features(x, arithmetic)
    if backbone.grey:
        x = keras.layers.Flatten(name=FEATURES, dtype=policy)(x)
    else:
        x = keras.layers.GlobalAveragePooling2D(name=FEATURES, dtype=policy)(x)
    if recipe.dropout:
        x = keras.layers.Dropout(recipe.dropout, seed=next(seeds), name="dropout", dtype=policy)(x)
    logits = keras.layers.Dense(
        num_classes, name="logits", dtype="float32", **layers.kernel_args(recipe, next(seeds))
    )(x)
    probs = keras.layers.Softmax(name="probs", dtype="float32")(logits)
    model = keras.Model(inputs, probs, name=recipe.name)
    backbone.load_weights(model, recipe.weights)
    return model


def head(model: keras.Model) -> keras.Model:
    """The layers behind the features: features (n, filters) to logits, sharing the weights."""
    names = [layer.name for layer in model.layers]
    x = inputs = keras.Input(model.get_layer(FEATURES).output.shape[1:], name="cached_features")
    for layer in model.layers[names.index(FEATURES) + 1 : names.index("logits") + 1]:
        x = layer(x)
    return keras.Model(inputs, x, name="head")
