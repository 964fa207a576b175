"""Construction of the optimizer that a recipe names."""

import keras

from ankleboot.core import plugins
from ankleboot.recipes.recipe import Recipe


def build_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Build the recipe's optimizer; weight decay applies to kernels only."""
    optimizer: keras.optimizers.Optimizer = plugins.resolve("optimizers", recipe.optimizer)(recipe)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
