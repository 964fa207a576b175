"""An epoch's images in the order of training, prepared a chunk at a time beside the training.

A chunk is augmented and brought to the device in a thread while the one before it is trained on, so
that image_spec costs no waiting, and memory does not grow with the data set (whose images may be
memory-mapped). What a chunk holds is decided by seed, epoch and its number alone.
"""

import math
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import Int32

from ankleboot.core.types import Features, Images, Indices, Labels, Losses, batch_size_for
from ankleboot.data.augmentation import augment
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.engines.base import Chunk
from ankleboot.training.schedules import LearningRates

CHUNK = 8_192  # images, fewer if they are large, or one batch where that is more

Positions = Int32[np.ndarray, " places"]
"""Where images stand among the training images: indices of `Split.train`."""


def chunk_size(recipe: Recipe) -> int:
    """Images that are prepared, or judged, at a time."""
    return batch_size_for(CHUNK, recipe.image_spec.image_shape)


def num_images(recipe: Recipe, num_train: int, epoch: int) -> int:
    """Number of images that an epoch (counted from 1) trains on."""
    return num_train if epoch == 1 else math.ceil(recipe.hard_example_fraction * num_train)


def num_steps(recipe: Recipe, num_train: int, epoch: int) -> int:
    """Number of steps in an epoch (counted from 1)."""
    return math.ceil(num_images(recipe, num_train, epoch) / recipe.batch_size)


def epoch_order(recipe: Recipe, num_train: int, epoch: int, losses: Losses) -> Positions:
    """The places of an epoch's images in the order of training.

    With `recipe.hard_example_fraction` below 1 the epochs after the first pass over those images whose loss was
    highest when they were last trained on.
    """
    chosen = np.arange(num_train, dtype=np.int32)
    if (num := num_images(recipe, num_train, epoch)) < num_train:
        chosen = np.argsort(-losses, kind="stable")[:num].astype(np.int32)
    return np.random.default_rng([recipe.seed, epoch]).permutation(chosen)


def iter_chunks(
    images: Images | Features,
    labels: Labels,
    class_names: Sequence[str],
    indices: Indices,
    places: Positions,
    rates: LearningRates,
    recipe: Recipe,
    epoch: int,
    first_step: int,
    put: Callable[[Chunk], Any],
) -> Generator[tuple[Any, int, int], None, None]:
    """Yield an epoch from the chunk that holds `first_step` on.

    Args:
        images: Of the training file; or what the frozen backbone says of them, taken as it is.
        labels: Of the training file.
        class_names: What the labels mean.
        indices: Of the training images in it.
        places: What `order` returned.
        rates: Learning rate of each of the epoch's steps.
        recipe: For batch size, augmentation and seed.
        epoch: Number of the epoch, from 1.
        first_step: Of the epoch, from 0.
        put: Brings a chunk to the device.

    Yields:
        What `put` returned, and the first and the last step (exclusive) that it holds.
    """
    steps_per_chunk = max(1, chunk_size(recipe) // recipe.batch_size)

    def prepare(number: int) -> tuple[Any, int, int]:
        first = number * steps_per_chunk
        last = min(first + steps_per_chunk, len(rates))
        part = places[first * recipe.batch_size : last * recipe.batch_size]
        generator = np.random.default_rng([recipe.seed, epoch, number])
        rows = indices[part]
        fresh = images[rows]
        if epoch > recipe.head_epochs:
            names = [class_names[label] for label in labels[rows]]
            fresh = augment(fresh, recipe, generator, names)
        chunk = Chunk(fresh, labels[rows], part, rates[first:last])
        return put(chunk), first, last

    numbers = range(first_step // steps_per_chunk, math.ceil(len(rates) / steps_per_chunk))
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="feed") as thread:
        ahead = None
        for number in numbers:
            ready = ahead or thread.submit(prepare, number)
            ahead = thread.submit(prepare, number + 1) if number + 1 in numbers else None
            yield ready.result()
