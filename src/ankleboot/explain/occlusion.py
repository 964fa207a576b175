"""Occlusion: how much the class loses when a patch is hidden. Needs answers only."""

from typing import Any

import numpy as np

from ankleboot.arrays import IMAGE_SIZE, Images, Labels, Maps, to_inputs

PATCH, STRIDE = 6, 2  # pixels


def occlusion(model: Any, images: Images, classes: Labels) -> Maps:
    """Hide every patch in turn with background; a pixel gets the mean loss of its patches.

    Args:
        model: Anything that maps inputs in [0, 1] to probabilities.
        images: To explain.
        classes: One for each image.

    Returns:
        Losses of probability; negative where hiding helped the class.

    Source: Zeiler and Fergus 2014, section 4.2, https://arxiv.org/abs/1311.2901
    """
    rows = np.arange(len(images))
    whole = _probs(model, images)[rows, classes]
    losses = np.zeros((len(images), IMAGE_SIZE, IMAGE_SIZE), np.float32)
    covered = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32)
    for top in range(0, IMAGE_SIZE - PATCH + 1, STRIDE):
        for left in range(0, IMAGE_SIZE - PATCH + 1, STRIDE):
            hidden = images.copy()
            hidden[:, top : top + PATCH, left : left + PATCH] = 0
            lost = whole - _probs(model, hidden)[rows, classes]
            losses[:, top : top + PATCH, left : left + PATCH] += lost[:, None, None]
            covered[top : top + PATCH, left : left + PATCH] += 1
    maps: np.ndarray = losses / covered
    return maps


def _probs(model: Any, images: Images) -> np.ndarray:
    return np.asarray(model(to_inputs(images), training=False))
