"""Early stopping: the best epoch of a history, and the end of a run's patience."""

import math
from collections.abc import Sequence

from ankleboot.models.history import EpochRecord
from ankleboot.recipes.recipe import Recipe

Z_ONE_SIDED = 1.645  # standard normal quantile at 0.95


def best_epoch(history: Sequence[EpochRecord], monitor: str, *, prefer_last: bool = False) -> int:
    """Return the epoch with the lowest validation loss, or highest accuracy.

    Of epochs with equal accuracies, which few images often have, it is the first or the last: a
    falling rate makes later epochs the better ones on new images (docs/few_images.md).
    """
    if monitor == "accuracy":
        records = reversed(history) if prefer_last else history
        return max(records, key=lambda record: record.validation_accuracy).epoch
    return min(history, key=lambda record: record.validation_loss).epoch


def should_stop(recipe: Recipe, history: Sequence[EpochRecord]) -> bool:
    """Return whether `recipe.patience` epochs have passed without improvement."""
    if not (recipe.patience and history):
        return False
    return len(history) - best_epoch(history, recipe.monitor) >= recipe.patience


def kept_epoch(recipe: Recipe, history: Sequence[EpochRecord]) -> int:
    """Return the best epoch, whose weights are in best.keras.

    Patience waits for an improvement on the first of equal epochs, so that one is kept.
    """
    return best_epoch(history, recipe.monitor, prefer_last=not recipe.patience)


def result_epoch(recipe: Recipe, history: Sequence[EpochRecord], num_validation: int) -> int:
    """Return the epoch whose weights are the result: the last one, or the best.

    With `keep=auto` it is the best where the last is worse by more than the validation images of a
    number explain: the best of many epochs on few images is often the luckiest.
    """
    best = kept_epoch(recipe, history)
    if recipe.patience or recipe.keep == "best":
        return best
    loss = history[best - 1].validation_accuracy - history[-1].validation_accuracy
    if recipe.keep == "auto" and loss > _noise(history[best - 1], num_validation):
        return best
    return len(history)


def _noise(record: EpochRecord, num_validation: int) -> float:
    """Return the one-sided 95 % deviation of an accuracy, with a correct and a wrong image more."""
    share = (record.validation_accuracy * num_validation + 1) / (num_validation + 2)
    return Z_ONE_SIDED * math.sqrt(share * (1 - share) / num_validation)
