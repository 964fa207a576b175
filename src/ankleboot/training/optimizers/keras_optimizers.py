"""Optimizers of Keras; the trainer sets the learning rate before every step."""

import keras

from ankleboot.recipes.recipe import Recipe


def adam(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Make Adam (Kingma and Ba 2015, arXiv:1412.6980)."""
    return keras.optimizers.Adam(weight_decay=recipe.weight_decay or None)


def adamw(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Make AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101)."""
    return keras.optimizers.AdamW(weight_decay=recipe.weight_decay)


def rmsprop(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Make RMSprop with momentum."""
    return keras.optimizers.RMSprop(
        momentum=recipe.momentum, weight_decay=recipe.weight_decay or None
    )


def sgd(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Make stochastic gradient descent with Nesterov momentum."""
    return keras.optimizers.SGD(
        momentum=recipe.momentum, nesterov=True, weight_decay=recipe.weight_decay or None
    )
