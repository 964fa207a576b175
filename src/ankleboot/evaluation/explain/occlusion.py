"""Occlusion: the loss of probability when a patch is hidden. It needs predictions only."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from ankleboot.core.progress import counting
from ankleboot.core.types import IMAGE_SIZE, Images, Labels, Maps, Probs, batch_size_for, to_inputs

PATCH, STRIDE = 6, 2  # pixels of an image of 28 x 28; both grow with the image
COARSE_STRIDE = 4  # of images above COARSE_SIDE pixels, which take a hundred times as long
COARSE_SIDE = 56
BATCH_SIZE = 1_000  # images


def occlusion(predict: Callable[[Images], Probs], images: Images, classes: Labels) -> Maps:
    """Hide every patch in turn with background; a pixel gets the mean loss of its patches.

    A loss of probability is negative where the class gains from hiding a pixel.

    Source: Zeiler and Fergus 2014, section 4.2, https://arxiv.org/abs/1311.2901
    """
    rows = np.arange(len(images))
    unhidden = _in_batches(predict, images)[rows, classes]
    height, width = images.shape[1:3]
    patch = max(1, round(PATCH * width / IMAGE_SIZE))
    losses = np.zeros((len(images), height, width), np.float32)
    num_patches = np.zeros((height, width), np.float32)
    step = STRIDE if width <= COARSE_SIDE else COARSE_STRIDE
    stride = max(1, round(step * width / IMAGE_SIZE))
    corners = list(product(_offsets(height, patch, stride), _offsets(width, patch, stride)))
    # several patches at once, since many small calls are slow
    size = max(1, batch_size_for(BATCH_SIZE, images.shape[1:]) // len(images))
    with counting("patches", len(corners)) as report:
        for start in range(0, len(corners), size):
            report(start)
            places = [
                np.s_[top : top + patch, left : left + patch]
                for top, left in corners[start : start + size]
            ]
            probs = _in_batches(predict, _hide(images, places))
            by_patch = probs.reshape(len(places), len(images), -1)[:, rows, classes]
            for loss, place in zip(unhidden - by_patch, places, strict=True):
                losses[:, *place] += loss[:, None, None]
                num_patches[place] += 1
    return np.asarray(losses / num_patches)


def _hide(images: Images, places: Sequence[tuple[slice, slice]]) -> np.ndarray:
    """Return copies of all images, one for each place, that are black there."""
    hidden = np.repeat(images[None], len(places), axis=0)
    for copy, place in zip(hidden, places, strict=True):
        copy[:, *place] = 0
    return hidden.reshape(-1, *images.shape[1:])


def keras_occlusion(model: Any, images: Images, classes: Labels) -> Maps:
    """Compute `occlusion` for a Keras model."""
    return occlusion(lambda x: np.asarray(model(to_inputs(x), training=False)), images, classes)


def _offsets(side: int, patch: int, stride: int) -> list[int]:
    """Return the offsets of patches that together hide every pixel."""
    return sorted({*range(0, side - patch + 1, stride), side - patch})


def _in_batches(predict: Callable[[Images], Probs], images: Images) -> Probs:
    size = batch_size_for(BATCH_SIZE, images.shape[1:])
    batches = [images[start : start + size] for start in range(0, len(images), size)]
    return np.concatenate([predict(batch) for batch in batches])
