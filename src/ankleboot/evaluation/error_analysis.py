"""What a model gets wrong: which classes it confuses, which images cost it most."""

from dataclasses import dataclass

import numpy as np

from ankleboot.core.types import Labels, Probs
from ankleboot.evaluation import metrics

UPPER_BODY = ("T-shirt/top", "Pullover", "Coat", "Shirt")
"""Of Fashion-MNIST, the classes that share most confusions: the same sleeves, at 28 x 28 pixels."""

NUM_PAIRS, NUM_IMAGES = 10, 24


@dataclass(frozen=True)
class ConfusedClasses:
    """Two classes that are taken for each other; `share` is that of all errors."""

    first: str
    second: str
    first_as_second: int
    second_as_first: int
    share: float


@dataclass(frozen=True)
class ErrorAnalysis:
    """Where the errors are.

    Attributes:
        pairs: The most confused ones first.
        upper_body_share: Of all errors, those among T-shirt/top, Pullover, Coat and Shirt; None
            where these are no classes.
        merged_accuracy: What the accuracy would be if those four were one class.
        top_losses: Images whose own class got the least probability, the worst first.
        most_certain: Right answers with the highest confidence, the classes in turn.
        least_certain: Answers with the lowest confidence, right or wrong.
    """

    num_errors: int
    pairs: tuple[ConfusedClasses, ...]
    upper_body_share: float | None
    merged_accuracy: float | None
    top_losses: tuple[int, ...]
    most_certain: tuple[int, ...]
    least_certain: tuple[int, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The errors in words."""
        if not self.num_errors:
            return ("No image is answered wrongly.",)
        worst = self.pairs[0]
        sentence = (
            f"{100 * worst.share:.0f} % of the {self.num_errors:,} errors are between "
            f"{worst.first} and {worst.second}."
        )
        if self.upper_body_share is None or self.merged_accuracy is None:
            return (sentence,)
        return (
            sentence,
            f"{100 * self.upper_body_share:.0f} % are among T-shirt/top, Pullover, Coat and Shirt; "
            f"as one class these would give {100 * self.merged_accuracy:.2f} % accuracy.",
        )


def analyze_errors(probs: Probs, labels: Labels, class_names: tuple[str, ...]) -> ErrorAnalysis:
    """Sort the answers by what is wrong with them.

    Raises:
        DataError: If there is nothing to judge.
    """
    metrics.validate_predictions(probs, labels)
    said = probs.argmax(axis=1)
    matrix = metrics.confusion_matrix(said, labels, num_classes=len(class_names))
    errors = int(matrix.sum() - matrix.trace())
    inside = _inside(matrix, class_names)
    own = probs[np.arange(len(labels)), labels]
    confidence = probs.max(axis=1)
    right = said == labels
    certain = _by_class(np.flatnonzero(right)[np.argsort(-confidence[right], kind="stable")], said)
    return ErrorAnalysis(
        num_errors=errors,
        pairs=_pairs(matrix, errors, class_names),
        upper_body_share=None if inside is None else inside / max(errors, 1),
        merged_accuracy=None if inside is None else (int(matrix.trace()) + inside) / len(labels),
        top_losses=_first(np.argsort(own, kind="stable")),
        most_certain=_first(certain),
        least_certain=_first(np.argsort(confidence, kind="stable")),
    )


def _inside(matrix: np.ndarray, class_names: tuple[str, ...]) -> int | None:
    """Errors among the four classes of the upper body, where there are such."""
    if not set(UPPER_BODY) <= set(class_names):
        return None
    upper = [class_names.index(name) for name in UPPER_BODY]
    among = matrix[np.ix_(upper, upper)]
    return int(among.sum() - among.trace())


def _by_class(order: np.ndarray, said: np.ndarray) -> np.ndarray:
    """The first of every class before the second of any, otherwise in order."""
    turns = np.empty(len(order), int)
    for label in np.unique(said):
        own = said[order] == label
        turns[own] = np.arange(own.sum())
    sorted_: np.ndarray = order[np.argsort(turns, kind="stable")]
    return sorted_


def _first(order: np.ndarray) -> tuple[int, ...]:
    return tuple(order[:NUM_IMAGES].tolist())


def _pairs(
    matrix: np.ndarray, errors: int, class_names: tuple[str, ...]
) -> tuple[ConfusedClasses, ...]:
    found = [
        ConfusedClasses(
            class_names[a],
            class_names[b],
            int(matrix[a, b]),
            int(matrix[b, a]),
            float(matrix[a, b] + matrix[b, a]) / max(errors, 1),
        )
        for a in range(len(class_names))
        for b in range(a + 1, len(class_names))
        if matrix[a, b] + matrix[b, a]
    ]
    return tuple(sorted(found, key=lambda pair: -pair.share)[:NUM_PAIRS])
