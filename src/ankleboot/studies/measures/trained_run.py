"""What the measures look at."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ankleboot.core.types import Images, Probs, to_inputs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.models.run import History
from ankleboot.recipes.recipe import Recipe

BATCH_SIZE = 500  # images


@dataclass(frozen=True)
class TrainedRun:
    """A finished run with its network and data.

    Attributes:
        data: With the pixels as the variant wants them.
        model: Keras: inputs in [0, 1] to probabilities.
        train_seconds: From building the network to the last file; None of the shipped model.
        peak_mib: Of the process when training ended.
    """

    recipe: Recipe
    data: Dataset
    model: Any
    history: History
    train_seconds: float | None
    peak_mib: float | None

    @cached_property
    def part(self) -> LabeledImages:
        """The validation images."""
        return self.data.train.take(self.data.split(self.recipe).validation)

    @cached_property
    def probs(self) -> Probs:
        """What the network says of the validation images, as it was trained."""
        return predict(self.model, self.part.images)


def predict(model: Any, images: Images) -> np.ndarray:
    """What a network says, probabilities or maps, a batch at a time."""
    starts = range(0, len(images), BATCH_SIZE)
    found = [
        np.asarray(model(to_inputs(images[start : start + BATCH_SIZE]), training=False))
        for start in starts
    ]
    return np.concatenate(found)
