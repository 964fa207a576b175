"""Accuracy against the number of training images."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class SizePoint:
    """Accuracies of a recipe that was trained on `num_train` images."""

    num_train: int
    train_accuracy: float
    validation_accuracy: float


def describe_data_size(points: tuple[SizePoint, ...], num_validation: int) -> str:
    """Describe whether more training images would help, from one run for each size."""
    if len(points) < 2:
        return "There is only one training size, so the effect of more images is unknown."
    before, last = points[-2:]
    accuracy = last.validation_accuracy
    gain = accuracy - before.validation_accuracy
    # two correct and two wrong images more, as few images without errors do not prove perfection
    share = (accuracy * num_validation + 2) / (num_validation + 4)
    noise = 2 * math.sqrt(2 * share * (1 - share) / num_validation)  # about 95 %
    numbers = (
        f"from {before.num_train:,} to {last.num_train:,} training images (and as many times the "
        f"steps) the validation accuracy changed by {100 * gain:+.1f} points, +- "
        f"{100 * noise:.1f} for the images it is measured on"
    )
    if gain > noise:
        return f"More images would probably help: {numbers}."
    return f"It is unclear whether more images would help: {numbers}."
