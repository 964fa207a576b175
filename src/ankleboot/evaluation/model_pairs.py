"""Two models compared image by image: McNemar's test, interval of the difference, disagreements."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ankleboot.core.types import Labels, Probs
from ankleboot.evaluation.statistics import (
    ALPHA,
    Interval,
    holm_adjust,
    mcnemar_exact,
    paired_difference_interval,
)

MAX_DISAGREEMENTS = 50  # listed, the most confident ones first


@dataclass(frozen=True)
class ModelPredictions:
    """Probabilities of a model; `group` is shared by runs that differ in their seed alone."""

    model: str
    probs: Probs
    group: str = ""


@dataclass(frozen=True)
class ClassDifference:
    """Number of images of a class that only one of two models gets right."""

    label: str
    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class Disagreement:
    """An image with different predictions of two models."""

    index: int
    label: str
    first: str
    first_confidence: float
    second: str
    second_confidence: float


@dataclass(frozen=True)
class PairwiseComparison:
    """Two models compared image by image.

    Attributes:
        difference: Accuracy of the first model minus that of the second.
        difference_ci95: Interval of the difference for other images; never a single point.
        only_first: Number of images that only the first model gets right.
        p_value: McNemar's exact test, two-sided.
        p_adjusted: The same p-value after Holm's correction for all pairs of the comparison.
        per_class: Differences by class, with p-values adjusted for all classes.
        disagreements: The most confident images with different predictions.
    """

    first: str
    second: str
    difference: float
    difference_ci95: Interval
    only_first: int
    only_second: int
    p_value: float
    p_adjusted: float
    per_class: tuple[ClassDifference, ...]
    num_disagreements: int
    disagreements: tuple[Disagreement, ...]
    conclusion: str


def compare_pairs(
    predictions: Sequence[ModelPredictions], labels: Labels, class_names: tuple[str, ...]
) -> tuple[PairwiseComparison, ...]:
    """Compare every pair of models."""
    pairs = list(combinations(predictions, 2))
    p_values = [mcnemar_exact(*_num_only_correct(a.probs, b.probs, labels)) for a, b in pairs]
    return tuple(
        _compare_pair(a, b, labels, class_names, *p_pair, is_only_pair=len(pairs) == 1)
        for (a, b), *p_pair in zip(pairs, p_values, holm_adjust(p_values), strict=True)
    )


def _num_only_correct(first: Probs, second: Probs, labels: Labels) -> tuple[int, int]:
    """Count the images that only the first, and only the second model gets right."""
    a, b = first.argmax(axis=1) == labels, second.argmax(axis=1) == labels
    return int((a & ~b).sum()), int((b & ~a).sum())


def _compare_pair(
    a: ModelPredictions,
    b: ModelPredictions,
    labels: Labels,
    class_names: tuple[str, ...],
    p_value: float,
    p_adjusted: float,
    *,
    is_only_pair: bool,
) -> PairwiseComparison:
    hits = [(x.probs.argmax(axis=1) == labels).astype(np.float64) for x in (a, b)]
    difference = float((hits[0] - hits[1]).mean())
    only_first, only_second = _num_only_correct(a.probs, b.probs, labels)
    interval = paired_difference_interval(only_first, only_second, len(labels))
    by_class = [
        _num_only_correct(a.probs[labels == c], b.probs[labels == c], labels[labels == c])
        for c in range(len(class_names))
    ]
    class_p_values = holm_adjust([mcnemar_exact(*counts) for counts in by_class])
    disagreements = _disagreements(a.probs, b.probs, labels, class_names)
    return PairwiseComparison(
        first=a.model,
        second=b.model,
        difference=difference,
        difference_ci95=interval,
        only_first=only_first,
        only_second=only_second,
        p_value=p_value,
        p_adjusted=p_adjusted,
        per_class=tuple(
            ClassDifference(name, *counts, p)
            for name, counts, p in zip(class_names, by_class, class_p_values, strict=True)
        ),
        num_disagreements=len(disagreements),
        disagreements=disagreements[:MAX_DISAGREEMENTS],
        conclusion=_conclude(
            (a.model, b.model),
            difference,
            interval,
            p_adjusted,
            num_images=len(labels),
            note="" if is_only_pair else ", adjusted for all pairs",
        ),
    )


def _disagreements(
    first: Probs, second: Probs, labels: Labels, class_names: tuple[str, ...]
) -> tuple[Disagreement, ...]:
    """List the images with different predictions, the most confident ones first."""

    def predicted(probs: np.ndarray) -> tuple[str, float]:
        return class_names[probs.argmax()], float(probs.max())

    differing = np.flatnonzero(first.argmax(axis=1) != second.argmax(axis=1))
    confidence = np.minimum(first.max(axis=1), second.max(axis=1))[differing]
    return tuple(
        Disagreement(i, class_names[labels[i]], *predicted(first[i]), *predicted(second[i]))
        for i in differing[np.argsort(-confidence, kind="stable")].tolist()
    )


def _conclude(
    names: tuple[str, str],
    difference: float,
    interval: Interval,
    p: float,
    *,
    num_images: int,
    note: str,
) -> str:
    """Describe whether one of two models is better on images like these; the note is on p."""
    first, second = names
    better, worse = (first, second) if difference >= 0 else (second, first)
    low, high = interval if difference >= 0 else (-interval[1], -interval[0])
    numbers = (
        f"{100 * abs(difference):.2f} points (95 % interval {100 * low:.2f} to {100 * high:.2f}; "
        f"McNemar p = {p:.2g}{note})"
    )
    if p < ALPHA:
        return (
            f"{better} is better than {worse} on images like these {num_images:,}: by {numbers}. "
            "This holds for these two models; retraining their recipes may give other results."
        )
    start = f"{first} and {second} cannot be distinguished on {num_images:,} images: "
    if difference == 0:
        return f"{start}{numbers}."
    return f"{start}{better} is ahead by {numbers}, which may be chance."
