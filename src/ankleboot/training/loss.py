"""Losses of training and validation in `keras.ops`, the same for every backend."""

from typing import Any

import numpy as np
from jaxtyping import Float32
from keras import ops

from ankleboot.core.types import Labels

ClassWeights = Float32[np.ndarray, " classes"]
"""Weight of each class in the training objective; their mean over the training images is 1."""


def class_weights(kind: str, labels: Labels, num_classes: int) -> ClassWeights | None:
    """Compute the weights that `Recipe.class_weights` names; None if all are equal.

    Args:
        kind: "balanced" for 1 / number of images, "0.5" for its square root, "off" for none.
        labels: Labels of the training images.
        num_classes: Number of classes; one without images weighs nothing.

    Source: King and Zeng 2001, https://doi.org/10.1093/oxfordjournals.pan.a004868; the root as in
    Mahajan et al. 2018, https://arxiv.org/abs/1805.00932
    """
    if kind == "off":
        return None
    counts = np.bincount(labels, minlength=num_classes)
    power = 1.0 if kind == "balanced" else float(kind)
    weights = np.where(counts > 0, np.maximum(counts, 1.0) ** -power, 0.0)
    return np.asarray(weights * counts.sum() / (weights * counts).sum(), np.float32)


def cross_entropies(labels: Any, logits: Any) -> Any:
    """Return the cross-entropy of each image, without label smoothing."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def training_objective(
    labels: Any,
    logits: Any,
    penalties: list[Any],
    *,
    label_smoothing: float,
    weights: ClassWeights | None = None,
) -> Any:
    """Return what a training step minimizes: mean smoothed cross-entropy plus penalties.

    With `weights` each image counts as much as the weight of its class.
    """
    num_classes = logits.shape[-1]
    targets = ops.one_hot(labels, num_classes) * (1 - label_smoothing)
    losses = ops.categorical_crossentropy(
        targets + label_smoothing / num_classes, logits, from_logits=True
    )
    if weights is not None:
        losses = losses * ops.take(ops.convert_to_tensor(weights), labels)
    return ops.mean(losses) + sum(penalties)
