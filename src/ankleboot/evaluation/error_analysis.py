"""Errors of a model by pair of classes, and the images that show them best."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ankleboot.core.types import Labels, Probs
from ankleboot.evaluation import metrics

UPPER_BODY = ("T-shirt/top", "Pullover", "Coat", "Shirt")
"""Classes of Fashion-MNIST that share most confusions: the same sleeves, at 28 x 28 pixels."""

NUM_PAIRS, NUM_IMAGES = 10, 24  # listed at most


@dataclass(frozen=True)
class ConfusedClasses:
    """Two classes that are confused, with the fraction of all errors that is between them."""

    first: str
    second: str
    first_as_second: int
    second_as_first: int
    share: float


@dataclass(frozen=True)
class ErrorAnalysis:
    """Errors sorted by classes and by confidence.

    Attributes:
        pairs: Confused classes, the most frequent pair first.
        upper_body_share: Fraction of the errors among `UPPER_BODY`; None for data without them.
        merged_accuracy: Accuracy if those four classes were one.
        top_losses: Images whose label got the lowest probability, the lowest first.
        most_confident: Correct predictions with the highest confidence, alternating over classes.
        least_confident: Predictions with the lowest confidence, correct or wrong.
    """

    num_errors: int
    pairs: tuple[ConfusedClasses, ...]
    upper_body_share: float | None
    merged_accuracy: float | None
    top_losses: tuple[int, ...]
    most_confident: tuple[int, ...]
    least_confident: tuple[int, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Summary of the errors, one sentence each."""
        if not self.num_errors:
            return ("Every image is predicted correctly.",)
        top = self.pairs[0]
        share = f"{100 * top.share:.0f} % of the {self.num_errors:,} errors are"
        if self.num_errors == 1:
            share = "The only error is"
        sentence = f"{share} between {top.first} and {top.second}."
        if self.upper_body_share is None or self.merged_accuracy is None:
            return (sentence,)
        return (
            sentence,
            f"{100 * self.upper_body_share:.0f} % are among T-shirt/top, Pullover, Coat and Shirt; "
            f"with these as one class the accuracy would be {100 * self.merged_accuracy:.2f} %.",
        )


def analyze_errors(probs: Probs, labels: Labels, class_names: tuple[str, ...]) -> ErrorAnalysis:
    """Sort predictions by their errors.

    Raises:
        DataError: If there is no image, or a probability is not finite.
    """
    metrics.validate_predictions(probs, labels)
    predicted, confidence = probs.argmax(axis=1), probs.max(axis=1)
    matrix = metrics.confusion_matrix(predicted, labels, num_classes=len(class_names))
    num_correct = int(matrix.trace())
    num_errors = len(labels) - num_correct
    upper_body_share = merged_accuracy = None
    if set(UPPER_BODY) <= set(class_names):
        upper = [class_names.index(name) for name in UPPER_BODY]
        block = matrix[np.ix_(upper, upper)]
        among = int(block.sum() - block.trace())
        upper_body_share = among / max(num_errors, 1)
        merged_accuracy = (num_correct + among) / len(labels)
    p_label = probs[np.arange(len(labels)), labels]
    by_confidence = np.argsort(-confidence, kind="stable")
    correct = by_confidence[(predicted == labels)[by_confidence]]
    return ErrorAnalysis(
        num_errors,
        _confused_classes(matrix, num_errors, class_names),
        upper_body_share,
        merged_accuracy,
        top_losses=_head(np.argsort(p_label, kind="stable")),
        most_confident=_head(_alternate(correct, predicted)),
        least_confident=_head(np.argsort(confidence, kind="stable")),
    )


def _alternate(order: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Reorder indices so that the first of every class precedes the second of any."""
    ranks = np.empty(len(order), int)
    for label in np.unique(predicted):
        is_class = predicted[order] == label
        ranks[is_class] = np.arange(is_class.sum())
    return np.asarray(order[np.argsort(ranks, kind="stable")])


def _head(order: np.ndarray) -> tuple[int, ...]:
    return tuple(order[:NUM_IMAGES].tolist())


def _confused_classes(
    matrix: np.ndarray, num_errors: int, class_names: tuple[str, ...]
) -> tuple[ConfusedClasses, ...]:
    pairs = []
    for (a, first), (b, second) in combinations(enumerate(class_names), 2):
        counts = int(matrix[a, b]), int(matrix[b, a])
        if any(counts):
            pairs.append(ConfusedClasses(first, second, *counts, sum(counts) / num_errors))
    return tuple(sorted(pairs, key=lambda pair: -pair.share)[:NUM_PAIRS])
