"""Losses of training and validation in `keras.ops`, the same for every backend."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32
from keras import ops

from ankleboot.core.types import Labels
from ankleboot.recipes.recipe import Recipe

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


@dataclass(frozen=True)
class Objective:
    """Constants of the training objective.

    Attributes:
        label_smoothing: Probability mass spread evenly over the classes.
        class_weights: Weight of each class; None if all count the same.
        distillation: Share of the teacher's term.
        temperature: Divisor of the logits in the teacher's term.
    """

    label_smoothing: float = 0.0
    class_weights: ClassWeights | None = None
    distillation: float = 0.0
    temperature: float = 1.0

    @classmethod
    def of(cls, recipe: Recipe, weights: ClassWeights | None) -> "Objective":
        """Make the objective of a recipe."""
        share = recipe.distillation if recipe.teacher else 0.0
        return cls(recipe.label_smoothing, weights, share, recipe.distillation_temperature)


def cross_entropies(labels: Any, logits: Any) -> Any:
    """Return the cross-entropy of each image, without label smoothing."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def training_objective(
    targets: Any, teacher: Any, logits: Any, penalties: list[Any], objective: Objective
) -> Any:
    """Return what a training step minimizes: mean cross-entropy plus penalties.

    Args:
        targets: Probability of each class by the labels (n, classes), without smoothing.
        teacher: The same by the teacher, already softened; (n, 0) without a teacher.
        logits: Logits of the network (n, classes).
        penalties: Further terms, such as L2.
        objective: Its constants.
    """
    num_classes, smoothing = logits.shape[-1], objective.label_smoothing
    smoothed = targets * (1 - smoothing) + smoothing / num_classes
    losses = ops.categorical_crossentropy(smoothed, logits, from_logits=True)
    if objective.distillation:
        # gradients of softened predictions are smaller by the temperature squared
        temperature, share = objective.temperature, objective.distillation
        softened = ops.categorical_crossentropy(teacher, logits / temperature, from_logits=True)
        losses = (1 - share) * losses + share * temperature**2 * softened
    if objective.class_weights is not None:
        losses = losses * ops.sum(targets * objective.class_weights, axis=1)
    return ops.mean(losses) + sum(penalties)
