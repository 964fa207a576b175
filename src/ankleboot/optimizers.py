"""From a Recipe's words to a Keras optimizer and a learning rate for every step."""

import keras
import numpy as np
from jaxtyping import Float32

from ankleboot.recipes import Recipe

ONE_CYCLE_WARM_UP = 0.3  # of all steps
ONE_CYCLE_START = 0.04  # of the peak: 1/25, as in fastai

Rates = Float32[np.ndarray, " steps"]


def build(recipe: Recipe) -> keras.optimizers.Optimizer:
    """The recipe's optimizer; its learning rate is set anew before every step (see `rates`)."""
    decay = recipe.weight_decay or None
    match recipe.optimizer:
        case "adam":
            optimizer = keras.optimizers.Adam(weight_decay=decay)
        case "adamw":
            optimizer = keras.optimizers.AdamW(weight_decay=recipe.weight_decay)
        case "rmsprop":
            optimizer = keras.optimizers.RMSprop(momentum=recipe.momentum, weight_decay=decay)
        case _:
            optimizer = keras.optimizers.SGD(
                momentum=recipe.momentum, nesterov=True, weight_decay=decay
            )
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def rates(recipe: Recipe, steps_per_epoch: int) -> Rates:
    """Learning rate of every step of the whole run.

    "cosine" falls from the peak to 0 along half a cosine; "one_cycle" rises along a cosine over the
    first 30 % of the steps and falls to 0 over the rest (Smith and Topin 2018, arXiv 1708.07120, in
    the cosine form of fastai).
    """
    steps = recipe.epochs * steps_per_epoch
    progress = np.arange(steps) / steps
    if recipe.schedule == "cosine":
        shape = 0.5 * (1 + np.cos(np.pi * progress))
    elif recipe.schedule == "one_cycle":
        rise = 0.5 * (1 - np.cos(np.pi * progress / ONE_CYCLE_WARM_UP))
        fall = 0.5 * (1 + np.cos(np.pi * (progress - ONE_CYCLE_WARM_UP) / (1 - ONE_CYCLE_WARM_UP)))
        rising = ONE_CYCLE_START + (1 - ONE_CYCLE_START) * rise
        shape = np.where(progress < ONE_CYCLE_WARM_UP, rising, fall)
    else:
        shape = np.ones(steps)
    return (recipe.learning_rate * shape).astype(np.float32)
