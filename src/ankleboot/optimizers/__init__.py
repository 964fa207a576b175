"""From a Recipe's words to a Keras optimizer, and a learning rate for every step."""

import keras

from ankleboot.optimizers.muon import Muon
from ankleboot.recipes import Recipe


def build(recipe: Recipe) -> keras.optimizers.Optimizer:
    """The recipe's optimizer; its rate is set anew before every step (see `schedules.rates`)."""
    decay = recipe.weight_decay or None
    match recipe.optimizer:
        case "adam":
            optimizer = keras.optimizers.Adam(weight_decay=decay)
        case "adamw":
            optimizer = keras.optimizers.AdamW(weight_decay=recipe.weight_decay)
        case "muon":
            optimizer = Muon(momentum=recipe.momentum, weight_decay=decay)
        case "rmsprop":
            optimizer = keras.optimizers.RMSprop(momentum=recipe.momentum, weight_decay=decay)
        case _:
            optimizer = keras.optimizers.SGD(
                momentum=recipe.momentum, nesterov=True, weight_decay=decay
            )
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
