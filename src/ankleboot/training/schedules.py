"""Learning rate schedules."""

import math

import numpy as np
from jaxtyping import Float32

from ankleboot.core import plugins
from ankleboot.recipes.recipe import Recipe

ONE_CYCLE_WARM_UP = 0.3  # fraction of all steps
ONE_CYCLE_START = 0.04  # fraction of the peak: 1/25, as in fastai

LearningRates = Float32[np.ndarray, " steps"]


def learning_rates(recipe: Recipe, num_steps: int) -> LearningRates:
    """Return the learning rate of each of a run's `num_steps` steps."""
    rates: LearningRates = plugins.resolve("schedules", recipe.schedule)(recipe, num_steps)
    share = rate_share(recipe, num_steps)
    return rates if share == 1 else (rates * share).astype(np.float32)


def rate_share(recipe: Recipe, num_steps: int) -> float:
    """Return the factor of all rates: few steps take a share of them, see `full_rate_steps`.

    A rate that thousands of steps average out throws a network back that takes hundreds.
    """
    if num_steps >= recipe.full_rate_steps:
        return 1.0
    return math.sqrt(num_steps / recipe.full_rate_steps)


def constant(recipe: Recipe, num_steps: int) -> LearningRates:
    """Keep the learning rate at its peak."""
    return _scaled(recipe, np.ones(num_steps))


def cosine(recipe: Recipe, num_steps: int) -> LearningRates:
    """Fall from the peak to 0 along half a cosine."""
    progress = np.arange(num_steps) / num_steps
    return _scaled(recipe, 0.5 * (1 + np.cos(np.pi * progress)))


def one_cycle(recipe: Recipe, num_steps: int) -> LearningRates:
    """Rise along a cosine over the first 30 % of the steps and fall to 0 over the rest.

    Source: Smith and Topin 2018, arXiv:1708.07120, in the cosine form of fastai.
    """
    progress = np.arange(num_steps) / num_steps
    rise = 0.5 * (1 - np.cos(np.pi * progress / ONE_CYCLE_WARM_UP))
    fall = 0.5 * (1 + np.cos(np.pi * (progress - ONE_CYCLE_WARM_UP) / (1 - ONE_CYCLE_WARM_UP)))
    rising = ONE_CYCLE_START + (1 - ONE_CYCLE_START) * rise
    return _scaled(recipe, np.where(progress < ONE_CYCLE_WARM_UP, rising, fall))


def _scaled(recipe: Recipe, shape: np.ndarray) -> LearningRates:
    """Scale a schedule of peak 1 to the recipe's learning rate."""
    return (recipe.learning_rate * shape).astype(np.float32)
