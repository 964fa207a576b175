"""Occlusion: the loss of probability when a patch is hidden. It needs predictions only."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ankleboot.core.types import IMAGE_SIZE, Images, Labels, Maps, Probs, batch_size_for, to_inputs

PATCH, STRIDE = 6, 2  # pixels of an image of 28 x 28; both grow with the image
BATCH_SIZE = 1_000  # images


def occlusion(predict: Callable[[Images], Probs], images: Images, classes: Labels) -> Maps:
    """Hide every patch in turn with background; a pixel gets the mean loss of its patches.

    A loss of probability is negative where the class gains from hiding a pixel.

    Source: Zeiler and Fergus 2014, section 4.2, https://arxiv.org/abs/1311.2901
    """
    rows = np.arange(len(images))
    unhidden = _in_batches(predict, images)[rows, classes]
    height, width = images.shape[1:3]
    patch = max(1, round(PATCH * height / IMAGE_SIZE))
    losses = np.zeros((len(images), height, width), np.float32)
    num_patches = np.zeros((height, width), np.float32)
    for top in _offsets(height, patch):
        for left in _offsets(width, patch):
            hidden = images.copy()
            hidden[:, top : top + patch, left : left + patch] = 0
            loss = unhidden - _in_batches(predict, hidden)[rows, classes]
            losses[:, top : top + patch, left : left + patch] += loss[:, None, None]
            num_patches[top : top + patch, left : left + patch] += 1
    return np.asarray(losses / num_patches)


def keras_occlusion(model: Any, images: Images, classes: Labels) -> Maps:
    """Compute `occlusion` for a Keras model."""
    return occlusion(lambda x: np.asarray(model(to_inputs(x), training=False)), images, classes)


def _offsets(side: int, patch: int) -> list[int]:
    """Return the offsets of patches that together hide every pixel."""
    stride = max(1, round(STRIDE * side / IMAGE_SIZE))
    return sorted({*range(0, side - patch + 1, stride), side - patch})


def _in_batches(predict: Callable[[Images], Probs], images: Images) -> Probs:
    size = batch_size_for(BATCH_SIZE, images.shape[1:])
    batches = [images[start : start + size] for start in range(0, len(images), size)]
    return np.concatenate([predict(batch) for batch in batches])
