"""Early stopping: the best epoch of a history, and the end of a run's patience."""

from collections.abc import Sequence

from ankleboot.models.run import EpochRecord
from ankleboot.recipes.recipe import Recipe


def best_epoch(history: Sequence[EpochRecord], monitor: str) -> int:
    """Return the first epoch with the lowest validation loss, or highest accuracy."""
    if monitor == "accuracy":
        return max(history, key=lambda record: record.validation_accuracy).epoch
    return min(history, key=lambda record: record.validation_loss).epoch


def should_stop(recipe: Recipe, history: Sequence[EpochRecord]) -> bool:
    """Return whether `recipe.patience` epochs have passed without improvement."""
    if not (recipe.patience and history):
        return False
    return len(history) - best_epoch(history, recipe.monitor) >= recipe.patience


def result_epoch(recipe: Recipe, history: Sequence[EpochRecord]) -> int:
    """Return the epoch whose weights are the result: the last one, or the best."""
    return best_epoch(history, recipe.monitor) if recipe.keeps_best else len(history)
