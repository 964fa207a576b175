"""Losses of training and validation in `keras.ops`, the same for every backend."""

from typing import Any

from keras import ops


def cross_entropies(labels: Any, logits: Any) -> Any:
    """Return the cross-entropy of each image, without label smoothing."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def training_objective(
    labels: Any, logits: Any, penalties: list[Any], *, label_smoothing: float
) -> Any:
    """Return what a training step minimizes: mean smoothed cross-entropy plus penalties."""
    num_classes = logits.shape[-1]
    targets = ops.one_hot(labels, num_classes) * (1 - label_smoothing)
    losses = ops.categorical_crossentropy(
        targets + label_smoothing / num_classes, logits, from_logits=True
    )
    return ops.mean(losses) + sum(penalties)
