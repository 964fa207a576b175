"""Occlusion: how much the class loses when a patch is hidden. Needs answers only."""

from collections.abc import Callable

import numpy as np

from ankleboot.core.types import IMAGE_SIZE, Images, Labels, Maps, Probs, batch_size_for

PATCH, STRIDE = 6, 2  # pixels of an image of 28 x 28; larger ones have larger patches
BATCH_SIZE = 1_000  # images


def occlusion(answer: Callable[[Images], Probs], images: Images, classes: Labels) -> Maps:
    """Hide every patch in turn with background; a pixel gets the mean loss of its patches.

    Args:
        answer: Gives probabilities, as a `Predictor` does.
        images: To explain.
        classes: One for each image.

    Returns:
        Losses of probability; negative where hiding helped the class.

    Source: Zeiler and Fergus 2014, section 4.2, https://arxiv.org/abs/1311.2901
    """
    rows = np.arange(len(images))
    whole = _probs(answer, images)[rows, classes]
    height, width = images.shape[1:3]
    patch = max(1, round(PATCH * height / IMAGE_SIZE))
    losses = np.zeros((len(images), height, width), np.float32)
    covered = np.zeros((height, width), np.float32)
    for top in _places(height, patch):
        for left in _places(width, patch):
            hidden = images.copy()
            hidden[:, top : top + patch, left : left + patch] = 0
            lost = whole - _probs(answer, hidden)[rows, classes]
            losses[:, top : top + patch, left : left + patch] += lost[:, None, None]
            covered[top : top + patch, left : left + patch] += 1
    maps: np.ndarray = losses / covered
    return maps


def _places(side: int, patch: int) -> list[int]:
    """Where patches begin, so that every pixel is hidden by one."""
    stride = max(1, round(STRIDE * side / IMAGE_SIZE))
    return sorted({*range(0, side - patch + 1, stride), side - patch})


def _probs(answer: Callable[[Images], Probs], images: Images) -> Probs:
    size = batch_size_for(BATCH_SIZE, images.shape[1:])
    parts = [images[start : start + size] for start in range(0, len(images), size)]
    return np.concatenate([answer(part) for part in parts])
