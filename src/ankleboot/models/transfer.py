"""Transfer learning: a pretrained backbone and a new last layer.

Source: Yosinski et al. 2014, https://arxiv.org/abs/1411.1792
"""

from typing import Any

import keras

from ankleboot.core import plugins
from ankleboot.models import layers
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe

FEATURES = "features"
"""Name of the backbone's last layer; the layers up to it are frozen for `recipe.head_epochs`."""


def build(recipe: Recipe, policy: ComputePolicy, num_classes: int) -> keras.Model:
    """Build the network with pretrained weights; the last layer is new."""
    dtype, seeds = policy.dtype_policy, layers.seed_stream(recipe)
    inputs = keras.Input(layers.input_shape(recipe), name="inputs")
    x: Any = inputs
    backbone = plugins.resolve("backbones", recipe.backbone)
    if not (recipe.color or backbone.gray):
        x = keras.layers.Concatenate(name="grey_as_color")([inputs] * 3)
    x = backbone.features(x, policy)
    if backbone.gray:
        x = keras.layers.Flatten(name=FEATURES, dtype=dtype)(x)
    else:
        x = keras.layers.GlobalAveragePooling2D(name=FEATURES, dtype=dtype)(x)
    if recipe.dropout:
        x = keras.layers.Dropout(recipe.dropout, seed=next(seeds), name="dropout", dtype=dtype)(x)
    probs = layers.classification_head(x, recipe, seeds, num_classes)
    model = keras.Model(inputs, probs, name=recipe.name)
    backbone.load_weights(model, recipe.weights)
    _freeze_stages(model, recipe)
    return model


def _freeze_stages(model: keras.Model, recipe: Recipe) -> None:
    """Keep the weights and statistics of the first layers, those with the largest maps.

    A step of EfficientNet-Lite0 takes less than half of the time with three frozen stages
    (docs/experiments.md).
    """
    # a convolution without padding makes maps a little smaller than half of the last ones
    smallest = recipe.image_size / 2 ** (recipe.frozen_stages + 0.5)
    for layer in model.layers if recipe.frozen_stages else ():
        if layer.name == FEATURES:
            break
        if layer.output.shape[1] >= smallest:
            layer.trainable = False


def head(model: keras.Model) -> keras.Model:
    """Return the layers from features (n, filters) to logits; weights are shared."""
    names = [layer.name for layer in model.layers]
    x = inputs = keras.Input(model.get_layer(FEATURES).output.shape[1:], name="cached_features")
    for layer in model.layers[names.index(FEATURES) + 1 : names.index("logits") + 1]:
        x = layer(x)
    return keras.Model(inputs, x, name="head")
