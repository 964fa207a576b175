"""Numbers of images by class of a split, and what they keep a training from."""

from collections.abc import Sequence

import numpy as np

from ankleboot.core.text import truncate_middle
from ankleboot.data.dataset import Dataset
from ankleboot.data.splits import Split
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.loss import class_weights

LARGE_RATIO = 10  # of the most frequent to the rarest class
NUM_LISTED = 8  # class names in a message


def class_counts(data: Dataset, split: Split) -> dict[str, dict[str, int]]:
    """Count the training and validation images of every class."""
    parts = {"train": split.train, "validation": split.validation}
    return {
        part: dict(zip(data.class_names, _counts(data, indices).tolist(), strict=True))
        for part, indices in parts.items()
    }


def describe_counts(data: Dataset, split: Split, recipe: Recipe) -> list[str]:
    """Describe classes without images, unequal classes, and the weights of the recipe."""
    train, validation = _counts(data, split.train), _counts(data, split.validation)
    messages = []
    if missing := _named(data, train == 0):
        messages.append(f"no training image of {missing}: the model cannot learn it")
    if missing := _named(data, validation == 0):
        messages.append(f"no validation image of {missing}: the accuracy there stays unknown")
    weights = class_weights(
        recipe.class_weights, data.train.labels[split.train], len(data.class_names)
    )
    if weights is not None:
        used = weights[train > 0]
        messages.append(f"class weights in the loss: {used.min():.2f} to {used.max():.2f}")
    elif train.max() >= LARGE_RATIO * max(1, train.min()):
        messages.append(
            f"the classes have {train.min():,} to {train.max():,} training images; "
            "--set class_weights=balanced counts the rare ones as much as the others"
        )
    return messages


def _counts(data: Dataset, indices: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.bincount(data.train.labels[indices], minlength=len(data.class_names))


def _named(data: Dataset, chosen: np.ndarray) -> str:
    names = [truncate_middle(data.class_names[index]) for index in np.flatnonzero(chosen)]
    more = f" and {len(names) - NUM_LISTED:,} more" if len(names) > NUM_LISTED else ""
    return ", ".join(names[:NUM_LISTED]) + more
