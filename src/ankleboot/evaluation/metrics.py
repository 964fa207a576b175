"""Metrics of predictions; NumPy alone, each tested against scikit-learn or by hand.

A metric of the kind "metrics" in `core/plugins.py` is a function of probabilities and labels.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.types import Labels, Matrix, Probs
from ankleboot.evaluation.statistics import Z_95

SMALLEST_PROB = 1e-7  # as in Keras: a certain and wrong prediction costs 16.1, not infinity


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of one class, and its number of images (support).

    A score is None where nothing is measured: all three of a class without images, the precision of
    a class that is never predicted.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def validate_predictions(probs: Probs, labels: Labels) -> None:
    """Refuse predictions that cannot be evaluated.

    Raises:
        DataError: If lengths differ, there is no image, or a probability is not finite.
    """
    if len(probs) != len(labels):
        raise DataError(f"{len(probs)} rows of probabilities for {len(labels)} labels")
    if len(labels) == 0:
        raise DataError("no images to evaluate")
    if not np.isfinite(probs).all():
        row = int(np.argmin(np.isfinite(probs).all(axis=1)))
        raise DataError(f"the probabilities of image {row} are not finite")


def top_k_accuracy(probs: Probs, labels: Labels, *, k: int = 1) -> float:
    """Return the fraction of images whose class is among the k most probable ones.

    Among equal probabilities the lower class comes first, as in argmax.
    """
    best = np.argsort(-probs, axis=1, kind="stable")[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())


def balanced_accuracy(probs: Probs, labels: Labels) -> float:
    """Return the mean recall of the classes that have images."""
    matrix = confusion_matrix(probs.argmax(axis=1), labels, num_classes=probs.shape[1])
    support = matrix.sum(axis=1)
    return float((np.diag(matrix)[support > 0] / support[support > 0]).mean())


def macro_f1(probs: Probs, labels: Labels) -> float:
    """Return the mean F1 of the classes that have images or predictions."""
    matrix = confusion_matrix(probs.argmax(axis=1), labels, num_classes=probs.shape[1])
    either = matrix.sum(axis=0) + matrix.sum(axis=1)
    return float((2 * np.diag(matrix)[either > 0] / either[either > 0]).mean())


def wilson_interval(successes: int, total: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a fraction.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953
    """
    fraction = successes / total
    denominator = 1 + Z_95**2 / total
    center = (fraction + Z_95**2 / (2 * total)) / denominator
    spread = math.sqrt(fraction * (1 - fraction) / total + (Z_95 / (2 * total)) ** 2)
    half = Z_95 / denominator * spread
    return max(0.0, center - half), min(1.0, center + half)


def log_losses(probs: Probs, labels: Labels) -> np.ndarray:
    """Return the cross-entropy of each image in nats."""
    p_label = probs[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.clip(p_label, SMALLEST_PROB, 1)))


def log_loss(probs: Probs, labels: Labels) -> float:
    """Return the mean cross-entropy in nats; 0 is perfect, 2.30 is chance among ten classes."""
    return float(log_losses(probs, labels).mean())


def brier_losses(probs: Probs, labels: Labels) -> np.ndarray:
    """Return the squared distance of each image's probabilities from the one-hot label."""
    truth = np.zeros_like(probs, dtype=np.float64)
    truth[np.arange(len(labels)), labels] = 1
    return np.asarray(np.square(probs - truth).sum(axis=1))


def brier_loss(probs: Probs, labels: Labels) -> float:
    """Return the mean of `brier_losses`; 0 is perfect, 2 the worst.

    Source: Brier 1950, the original form that sums over all classes.
    """
    return float(brier_losses(probs, labels).mean())


class PrecisionRecall(NamedTuple):
    """Precision and recall of one class for every threshold, the highest threshold first.

    The average precision is weighted by the recall that each adds.
    """

    label: str
    recalls: np.ndarray
    precisions: np.ndarray
    average_precision: float


def precision_recall(probs: Probs, labels: Labels, index: int, name: str) -> PrecisionRecall:
    """Compute precision and recall of a class as the threshold on its probability falls.

    Raises:
        DataError: If no image is of the class.
    """
    is_class = labels == index
    if not is_class.any():
        raise DataError(f"no image of the class {name}")
    scores = probs[:, index].astype(np.float64)
    order = np.argsort(-scores, kind="stable")
    hits = is_class[order].cumsum()
    # equal scores pass a threshold together
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    recalls, precisions = hits[last] / hits[-1], hits[last] / (last + 1)
    average = float((np.diff(recalls, prepend=0.0) * precisions).sum())
    return PrecisionRecall(name, recalls, precisions, average)


def confusion_matrix(predicted: Labels, labels: Labels, *, num_classes: int) -> Matrix:
    """Count the images of each true class (row) by predicted class (column)."""
    cells = labels.astype(np.int64) * num_classes + predicted
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_scores(matrix: Matrix, names: tuple[str, ...]) -> tuple[ClassScores, ...]:
    """Compute precision, recall and F1 of every class that has images."""
    hits, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)

    def scores(index: int) -> tuple[float | None, float | None, float | None]:
        hit, images, given = int(hits[index]), int(support[index]), int(predicted[index])
        if not images:
            return None, None, None
        return hit / given if given else None, hit / images, 2 * hit / (images + given)

    return tuple(
        ClassScores(name, *scores(index), int(support[index])) for index, name in enumerate(names)
    )
