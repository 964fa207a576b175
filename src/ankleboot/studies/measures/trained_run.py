"""A finished run with its network and data: the input of every measure."""

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
        data: Data set with the pixel transform of the variant.
        model: Keras model from inputs in [0, 1] to probabilities.
        train_seconds: Seconds from building the network to the last file; None for the shipped
            model.
        peak_mib: Peak memory of the process at the end of training in MiB.
    """

    recipe: Recipe
    data: Dataset
    model: Any
    history: History
    train_seconds: float | None
    peak_mib: float | None

    @cached_property
    def validation(self) -> LabeledImages:
        """Validation images."""
        return self.data.train.take(self.data.split(self.recipe.split_rule).validation)

    @cached_property
    def probs(self) -> Probs:
        """Probabilities of the validation images."""
        return predict(self.model, self.validation.images)


def predict(model: Any, images: Images) -> np.ndarray:
    """Return the outputs of a network, batch by batch."""
    starts = range(0, len(images), BATCH_SIZE)
    outputs = [
        np.asarray(model(to_inputs(images[start : start + BATCH_SIZE]), training=False))
        for start in starts
    ]
    return np.concatenate(outputs)
