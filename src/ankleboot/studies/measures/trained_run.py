"""A finished run with its network and data: the input of every measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from ankleboot.core.types import Images, Labels, Probs, to_inputs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.models.history import History
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
        return self.data.train.take(self.data.split(self.recipe.split_rule).validation)

    @cached_property
    def probs(self) -> Probs:
        return predict(self.model, self.validation.images)

    @cached_property
    def predicted(self) -> Labels:
        """Most probable classes of the validation images."""
        labels: Labels = self.probs.argmax(axis=1)
        return labels

    def classes(self, names: Sequence[str]) -> list[int]:
        """Return the indices of some classes."""
        return [self.data.class_names.index(name) for name in names]


def predict(model: Any, images: Images) -> np.ndarray:
    """Return the outputs of a network, batch by batch."""
    batches = (images[i : i + BATCH_SIZE] for i in range(0, len(images), BATCH_SIZE))
    return np.concatenate([np.asarray(model(to_inputs(b), training=False)) for b in batches])


def accuracy(model: Any, images: Images, labels: Labels) -> float:
    """Return the accuracy of any network."""
    return float((predict(model, images).argmax(axis=1) == labels).mean())


def part_of(model: Any, layer: str) -> Any:
    """Return the network up to a layer, as a model."""
    return keras.Model(model.inputs[0], model.get_layer(layer).output)
