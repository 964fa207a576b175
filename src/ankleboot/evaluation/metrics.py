"""Measures of a classifier's answers; NumPy alone, each tested against scikit-learn or by hand.

Names end as in scikit-learn: of a `*_score` more is better, of a `*_loss` or `*_error` less is.
"""

import math
from dataclasses import dataclass

import numpy as np

from ankleboot.core.errors import DataError
from ankleboot.core.types import Indices, Labels, Matrix, Probs

NUM_BINS = 15  # of confidence, for the calibration error
Z_95 = 1.959963984540054  # standard normal quantile at 0.975
SMALLEST_PROB = 1e-7  # as in Keras: a certain and wrong answer costs 16.1, not infinity


@dataclass(frozen=True)
class ClassScores:
    """How one class fares.

    Attributes:
        precision: Of the images called this class, the fraction that are.
        recall: Of the images of this class, the fraction called so.
        f1: Harmonic mean of the two.
        support: Number of images of this class.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int


def validate_predictions(probs: Probs, labels: Labels) -> None:
    """Refuse what cannot be judged.

    Raises:
        DataError: If lengths differ, nothing is there, or a probability is not finite.
    """
    if len(probs) != len(labels):
        raise DataError(f"{len(probs)} rows of probabilities for {len(labels)} labels")
    if len(labels) == 0:
        raise DataError("no images to judge")
    if not np.isfinite(probs).all():
        row = int(np.argmin(np.isfinite(probs).all(axis=1)))
        raise DataError(f"the probabilities of image {row} are not finite")


def top_k_accuracy(probs: Probs, labels: Labels, *, k: int = 1) -> float:
    """Fraction of images whose class is among the k most probable ones.

    Of equal probabilities the lower class comes first, as in argmax.
    """
    best = np.argsort(-probs, axis=1, kind="stable")[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())


def wilson_interval(successes: int, total: int) -> tuple[float, float]:
    """95 % confidence interval of a fraction.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953
    """
    fraction = successes / total
    denominator = 1 + Z_95**2 / total
    centre = (fraction + Z_95**2 / (2 * total)) / denominator
    half = (
        Z_95
        / denominator
        * math.sqrt(fraction * (1 - fraction) / total + (Z_95 / (2 * total)) ** 2)
    )
    return max(0.0, centre - half), min(1.0, centre + half)


def log_losses(probs: Probs, labels: Labels) -> np.ndarray:
    """Cross-entropy of each image in nats."""
    own = probs[np.arange(len(labels)), labels].astype(np.float64)
    losses: np.ndarray = -np.log(np.clip(own, SMALLEST_PROB, 1))
    return losses


def log_loss(probs: Probs, labels: Labels) -> float:
    """Mean cross-entropy in nats; 0 is perfect, 2.30 is guessing among ten."""
    return float(log_losses(probs, labels).mean())


def brier_losses(probs: Probs, labels: Labels) -> np.ndarray:
    """Squared distance of each image's probabilities from the one-hot truth."""
    truth = np.zeros_like(probs, dtype=np.float64)
    truth[np.arange(len(labels)), labels] = 1
    losses: np.ndarray = np.square(probs - truth).sum(axis=1)
    return losses


def brier_loss(probs: Probs, labels: Labels) -> float:
    """Mean squared distance between probabilities and the one-hot truth; 0 is perfect, 2 the worst.

    Source: Brier 1950, the original form that sums over all classes.
    """
    return float(brier_losses(probs, labels).mean())


def confidence_bins(probs: Probs, num_bins: int) -> Indices:
    """The equal-width bin of each answer's confidence; bin i holds (i/num_bins, (i+1)/num_bins]."""
    confidence = probs.max(axis=1).astype(np.float64)
    bins: np.ndarray = np.clip(np.ceil(confidence * num_bins).astype(np.int64) - 1, 0, num_bins - 1)
    return bins


def expected_calibration_error(probs: Probs, labels: Labels, *, num_bins: int = NUM_BINS) -> float:
    """Average gap between confidence and accuracy, weighted by bin size; 0.03 is three points.

    Args:
        probs: Each row sums to 1.
        labels: Of the same images.
        num_bins: Equal-width confidence bins. Defaults to 15.

    Source: Guo et al. 2017, section 2, https://arxiv.org/abs/1706.04599
    """
    confidence = probs.max(axis=1).astype(np.float64)
    correct = probs.argmax(axis=1) == labels
    bins = confidence_bins(probs, num_bins)
    gaps = np.bincount(bins, confidence, num_bins) - np.bincount(bins, correct, num_bins)
    return float(np.abs(gaps).sum() / len(labels))


@dataclass(frozen=True)
class PrecisionRecall:
    """One class against the rest, for every threshold on its probability, the highest first.

    Attributes:
        average_precision: Mean of the precisions, weighted by the recall each adds.
    """

    label: str
    recalls: tuple[float, ...]
    precisions: tuple[float, ...]
    average_precision: float


def precision_recall(probs: Probs, labels: Labels, index: int, name: str) -> PrecisionRecall:
    """Precision and recall of a class as its probability's threshold falls.

    Raises:
        DataError: If no image is of the class.
    """
    own = labels == index
    if not own.any():
        raise DataError(f"no image of the class {name}")
    scores = probs[:, index].astype(np.float64)
    order = np.argsort(-scores, kind="stable")
    hits = own[order].cumsum()
    # equal scores pass a threshold together
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    recalls, precisions = hits[last] / hits[-1], hits[last] / (last + 1)
    average = float((np.diff(recalls, prepend=0.0) * precisions).sum())
    return PrecisionRecall(name, tuple(recalls.tolist()), tuple(precisions.tolist()), average)


def confusion_matrix(predicted: Labels, labels: Labels, *, num_classes: int) -> Matrix:
    """Count the images of each true class (row) by predicted class (column)."""
    cells = labels.astype(np.int64) * num_classes + predicted
    return (
        np.bincount(cells, minlength=num_classes**2)
        .reshape(num_classes, num_classes)
        .astype(np.int64)
    )


def class_scores(matrix: Matrix, names: tuple[str, ...]) -> tuple[ClassScores, ...]:
    """Precision, recall and F1 of every class; 0 where nothing was predicted or there."""
    hits, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    return tuple(
        ClassScores(name, float(p), float(r), float(f), int(s))
        for name, p, r, f, s in zip(names, precision, recall, f1, support, strict=True)
    )
