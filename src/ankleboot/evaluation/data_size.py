"""Accuracy against the number of training images."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class SizePoint:
    """What the recipe reached with `num_train` images."""

    num_train: int
    train_accuracy: float
    validation_accuracy: float


def describe_data_size(points: tuple[SizePoint, ...], num_validation: int) -> str:
    """What the curve says about collecting more images.

    Args:
        points: One run each: the spread over seeds is not in them.
        num_validation: Images that the accuracies were measured on.
    """
    if len(points) < 2:
        return "There is one size only: nothing can be said about more images."
    before, last = points[-2:]
    gained = last.validation_accuracy - before.validation_accuracy
    share = last.validation_accuracy
    noise = 2 * math.sqrt(2 * share * (1 - share) / num_validation)  # about 95 %
    figures = (
        f"from {before.num_train:,} to {last.num_train:,} training images (and as many times the "
        f"steps) the validation accuracy changed by {100 * gained:+.1f} points, +- "
        f"{100 * noise:.1f} for the images it is measured on"
    )
    if gained > noise:
        return f"More images would probably help: {figures}."
    return f"Whether more images would help cannot be told: {figures}."
