"""The learning rate of every step of a run."""

import numpy as np
from jaxtyping import Float32

from ankleboot.recipes import Recipe

ONE_CYCLE_WARM_UP = 0.3  # of all steps
ONE_CYCLE_START = 0.04  # of the peak: 1/25, as in fastai

Rates = Float32[np.ndarray, " steps"]


def rates(recipe: Recipe, num_steps: int) -> Rates:
    """Learning rate of each of a run's `num_steps` steps.

    "cosine" falls from the peak to 0 along half a cosine; "one_cycle" rises along a cosine over the
    first 30 % of the steps and falls to 0 over the rest (Smith and Topin 2018, arXiv 1708.07120, in
    the cosine form of fastai).
    """
    progress = np.arange(num_steps) / num_steps
    if recipe.schedule == "cosine":
        shape = 0.5 * (1 + np.cos(np.pi * progress))
    elif recipe.schedule == "one_cycle":
        rise = 0.5 * (1 - np.cos(np.pi * progress / ONE_CYCLE_WARM_UP))
        fall = 0.5 * (1 + np.cos(np.pi * (progress - ONE_CYCLE_WARM_UP) / (1 - ONE_CYCLE_WARM_UP)))
        rising = ONE_CYCLE_START + (1 - ONE_CYCLE_START) * rise
        shape = np.where(progress < ONE_CYCLE_WARM_UP, rising, fall)
    else:
        shape = np.ones(num_steps)
    return (recipe.learning_rate * shape).astype(np.float32)
