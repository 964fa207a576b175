"""Errors of a model by pair of classes, and the images that show them best."""

from dataclasses import dataclass

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
        upper_body_share: Fraction of the errors among T-shirt/top, Pullover, Coat and Shirt; None
            for a data set without these classes.
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
        sentence = (
            f"{100 * top.share:.0f} % of the {self.num_errors:,} errors are between "
            f"{top.first} and {top.second}."
        )
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
    predicted = probs.argmax(axis=1)
    matrix = metrics.confusion_matrix(predicted, labels, num_classes=len(class_names))
    num_correct = int(matrix.trace())
    num_errors = int(matrix.sum()) - num_correct
    upper_body = _num_upper_body_errors(matrix, class_names)
    p_label = probs[np.arange(len(labels)), labels]
    confidence = probs.max(axis=1)
    is_correct = predicted == labels
    by_confidence = np.argsort(-confidence[is_correct], kind="stable")
    most_confident = _alternate(np.flatnonzero(is_correct)[by_confidence], predicted)
    return ErrorAnalysis(
        num_errors=num_errors,
        pairs=_confused_classes(matrix, num_errors, class_names),
        upper_body_share=None if upper_body is None else upper_body / max(num_errors, 1),
        merged_accuracy=None if upper_body is None else (num_correct + upper_body) / len(labels),
        top_losses=_head(np.argsort(p_label, kind="stable")),
        most_confident=_head(most_confident),
        least_confident=_head(np.argsort(confidence, kind="stable")),
    )


def _num_upper_body_errors(matrix: np.ndarray, class_names: tuple[str, ...]) -> int | None:
    if not set(UPPER_BODY) <= set(class_names):
        return None
    upper = [class_names.index(name) for name in UPPER_BODY]
    block = matrix[np.ix_(upper, upper)]
    return int(block.sum() - block.trace())


def _alternate(order: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Reorder indices so that the first of every class precedes the second of any."""
    ranks = np.empty(len(order), int)
    for label in np.unique(predicted):
        is_class = predicted[order] == label
        ranks[is_class] = np.arange(is_class.sum())
    alternated: np.ndarray = order[np.argsort(ranks, kind="stable")]
    return alternated


def _head(order: np.ndarray) -> tuple[int, ...]:
    return tuple(order[:NUM_IMAGES].tolist())


def _confused_classes(
    matrix: np.ndarray, num_errors: int, class_names: tuple[str, ...]
) -> tuple[ConfusedClasses, ...]:
    pairs = [
        ConfusedClasses(
            class_names[a],
            class_names[b],
            int(matrix[a, b]),
            int(matrix[b, a]),
            float(matrix[a, b] + matrix[b, a]) / max(num_errors, 1),
        )
        for a in range(len(class_names))
        for b in range(a + 1, len(class_names))
        if matrix[a, b] + matrix[b, a]
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.share)[:NUM_PAIRS])
