"""Data loader: an epoch's images in the order of training, prepared ahead in a thread.

The loader augments a chunk of images and copies it to the device while the engine trains on the
chunk before it. Preparation therefore costs no waiting, and memory does not grow with the data set,
whose images may be memory-mapped. Seed, epoch and number decide the content of a chunk.
"""

import math
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int32

from ankleboot.core.types import (
    Features,
    Images,
    Indices,
    Labels,
    Losses,
    batch_size_for,
    one_hot,
)
from ankleboot.data.augmentation import augment
from ankleboot.data.mixing import draw_mixture
from ankleboot.recipes.recipe import Recipe
from ankleboot.training import schedules
from ankleboot.training.engines.base import Chunk
from ankleboot.training.schedules import LearningRates

CHUNK_SIZE = 8_192  # images; fewer if they are large, or one batch where that is more

Positions = Int32[np.ndarray, " positions"]
"""Positions of images in `Split.train`."""


@dataclass(frozen=True)
class EpochLoader:
    """Loader of a run's training images."""

    recipe: Recipe
    inputs: Images | Features  # of the training file; the features of a frozen backbone
    labels: Labels  # of the training file
    class_names: Sequence[str]
    indices: Indices  # of the training images in the training file
    teacher: Float32[np.ndarray, "_ classes"] | None = None  # softened, of the training images

    def chunks(
        self,
        epoch: int,
        order: Positions,
        learning_rates: LearningRates,
        first_step: int,
        to_device: Callable[[Chunk], Any],
    ) -> Generator[tuple[Any, int, int], None, None]:
        """Yield the chunks of an epoch (from 1), starting with the one that holds `first_step`.

        Yields:
            The result of `to_device`, the chunk's first step, and its last step (exclusive).
        """
        size, num_steps = self.recipe.batch_size, len(learning_rates)
        steps_per_chunk = max(1, chunk_size(self.recipe) // size)

        def prepare(number: int) -> tuple[Any, int, int]:
            first = number * steps_per_chunk
            last = min(first + steps_per_chunk, num_steps)
            positions = order[first * size : last * size]
            rows = self.indices[positions]
            images, labels = self.inputs[rows], self.labels[rows]
            teacher = None if self.teacher is None else self.teacher[positions]
            targets = None
            if epoch > self.recipe.head_epochs:
                generator = np.random.default_rng([self.recipe.seed, epoch, number])
                names = [self.class_names[label] for label in labels]
                images = augment(images, self.recipe, generator, names)
                if mixture := draw_mixture(self.recipe, images, generator):
                    images = mixture.images(images)
                    targets = mixture.targets(one_hot(labels, len(self.class_names)))
                    teacher = None if teacher is None else mixture.targets(teacher)
            rates = learning_rates[first:last]
            return to_device(Chunk(images, labels, positions, rates, targets, teacher)), first, last

        numbers = range(first_step // steps_per_chunk, math.ceil(num_steps / steps_per_chunk))
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="loader") as thread:
            ahead = None
            for number in numbers:
                current = ahead or thread.submit(prepare, number)
                ahead = thread.submit(prepare, number + 1) if number + 1 in numbers else None
                yield current.result()


def chunk_size(recipe: Recipe) -> int:
    """Return the number of images per chunk of training and evaluation."""
    return batch_size_for(CHUNK_SIZE, recipe.image_spec.image_shape)


def split_chunks(recipe: Recipe, indices: Indices) -> list[Indices]:
    """Split indices into those of one chunk each."""
    size = chunk_size(recipe)
    return [indices[start : start + size] for start in range(0, len(indices), size)]


def num_images(recipe: Recipe, num_train: int, epoch: int) -> int:
    """Return the number of images that an epoch (from 1) trains on."""
    return num_train if epoch == 1 else math.ceil(recipe.hard_example_fraction * num_train)


def num_steps(recipe: Recipe, num_train: int, epoch: int) -> int:
    """Return the number of steps of an epoch (from 1)."""
    return math.ceil(num_images(recipe, num_train, epoch) / recipe.batch_size)


def epoch_order(recipe: Recipe, num_train: int, epoch: int, losses: Losses) -> Positions:
    """Draw the order of an epoch's images.

    With `recipe.hard_example_fraction` below 1, the epochs after the first train on the images
    with the highest loss when they were last trained on.
    """
    chosen = np.arange(num_train, dtype=np.int32)
    if (num := num_images(recipe, num_train, epoch)) < num_train:
        chosen = np.argsort(-losses, kind="stable")[:num].astype(np.int32)
    return np.random.default_rng([recipe.seed, epoch]).permutation(chosen)


def steps_by_epoch(recipe: Recipe, num_train: int) -> list[int]:
    """List the numbers of steps of all epochs."""
    return [num_steps(recipe, num_train, number + 1) for number in range(recipe.epochs)]


def epoch_learning_rates(recipe: Recipe, num_train: int, epoch: int) -> LearningRates:
    """Return the learning rate of each step of an epoch (from 1)."""
    steps = steps_by_epoch(recipe, num_train)
    if epoch <= recipe.head_epochs:
        return np.full(steps[epoch - 1], recipe.head_learning_rate, np.float32)
    first = sum(steps[recipe.head_epochs : epoch - 1])
    rates = schedules.learning_rates(recipe, sum(steps[recipe.head_epochs :]))
    return rates[first : first + steps[epoch - 1]]


def describe_rate(recipe: Recipe, num_train: int) -> list[str]:
    """Say if the peak of the learning rate is lower than the recipe's, as the steps are few."""
    steps = sum(steps_by_epoch(recipe, num_train)[recipe.head_epochs :])
    if not steps or (share := schedules.rate_share(recipe, steps)) == 1:
        return []
    return [
        f"the peak learning rate is {share * recipe.learning_rate:.2g}, not "
        f"{recipe.learning_rate:g}: {steps:,} steps are fewer than "
        f"full_rate_steps={recipe.full_rate_steps}"
    ]
