"""Two or more models on the same images: what may be concluded, and what not.

    compare([Answers("a", probs_a), Answers("b", probs_b)], labels, class_names).sentences

Models are compared image by image (McNemar's test, paired bootstrap): two intervals that overlap
say little. Runs of one recipe with different seeds form a group: only groups speak of recipes.
"""

import statistics as basic
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot.core.errors import UsageError
from ankleboot.core.types import Labels, Probs
from ankleboot.evaluation import metrics
from ankleboot.evaluation.statistics import (
    Interval,
    bootstrap_means,
    holm_adjust,
    mcnemar_exact,
    min_p_value,
    percentile_interval,
    permutation_test,
    probability_of_superiority,
)

ALPHA = 0.05
MAX_DISAGREEMENTS = 50  # listed; the surest ones first


@dataclass(frozen=True)
class ModelPredictions:
    """A model's answers; `group` is shared by runs that differ in their seed alone."""

    model: str
    probs: Probs
    group: str = ""


@dataclass(frozen=True)
class AccuracyEstimate:
    """One model's accuracy with its Wilson interval."""

    model: str
    accuracy: float
    accuracy_ci95: Interval


@dataclass(frozen=True)
class ClassDifference:
    """Images of a class that one model alone gets right, and the test of that."""

    label: str
    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class Disagreement:
    """An image on which two models give different answers."""

    index: int
    label: str
    first: str
    first_confidence: float
    second: str
    second_confidence: float


@dataclass(frozen=True)
class PairwiseComparison:
    """Two models, image by image.

    Attributes:
        difference: Accuracy of the first less that of the second.
        difference_ci95: Paired bootstrap interval.
        only_first: Images that the first alone gets right.
        p_value: McNemar's exact test, two-sided.
        p_adjusted: The same after Holm's correction for all pairs of the comparison.
        per_class: Adjusted likewise, among the classes.
        num_disagreements: Images with different answers; the surest are in `disagreements`.
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


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one recipe."""

    name: str
    models: tuple[str, ...]
    mean: float
    std: float | None


@dataclass(frozen=True)
class RecipeComparison:
    """Two recipes over their runs.

    Attributes:
        superiority: P(a run of the first > one of the second), on these images.
        p_adjusted: Permutation test of the runs, after Holm's correction for all pairs of recipes.
    """

    first: str
    second: str
    difference: float
    superiority: float
    superiority_ci95: Interval
    p_adjusted: float
    conclusion: str


@dataclass(frozen=True)
class Comparison:
    """Everything `compare` found."""

    num_examples: int
    models: tuple[AccuracyEstimate, ...]
    pairs: tuple[PairwiseComparison, ...]
    groups: tuple[SeedGroup, ...]
    group_pairs: tuple[RecipeComparison, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What may be concluded, in words; of recipes first."""
        of_groups = tuple(pair.conclusion for pair in self.group_pairs)
        return of_groups + tuple(pair.conclusion for pair in self.pairs)

    def to_json(self) -> dict[str, Any]:
        """The document of `compare --json`, but for what the command adds."""
        return asdict(self) | {"sentences": list(self.sentences)}


def compare(
    answers: Sequence[ModelPredictions], labels: Labels, class_names: tuple[str, ...]
) -> Comparison:
    """Compare models on the same images.

    Where two recipes have several runs each, recipes are compared; otherwise every pair of models.

    Args:
        answers: Two or more models' probabilities for the same images.
        labels: Their classes.
        class_names: In the order of the probabilities.

    Raises:
        UsageError: If there are fewer than two models, or one is named twice.
        DataError: If lengths differ or a probability is not finite.
    """
    names = [one.model for one in answers]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError("name two or more different models to compare")
    for one in answers:
        metrics.validate_predictions(one.probs, labels)
    right = {one.model: one.probs.argmax(axis=1) == labels for one in answers}
    scores = tuple(
        AccuracyEstimate(
            name,
            float(hits.mean()),
            metrics.wilson_interval(int(hits.sum()), len(labels)),
        )
        for name, hits in right.items()
    )
    groups = _groups(answers, right)
    group_pairs = _group_pairs(groups, right)
    pairs = () if group_pairs else _pairs(answers, labels, class_names)
    return Comparison(len(labels), scores, pairs, groups, group_pairs)


def _pairs(
    answers: Sequence[ModelPredictions], labels: Labels, class_names: tuple[str, ...]
) -> tuple[PairwiseComparison, ...]:
    chosen = [(a, b) for place, a in enumerate(answers) for b in answers[place + 1 :]]
    counts = [_only(a.probs, b.probs, labels) for a, b in chosen]
    p_values = [mcnemar_exact(*count) for count in counts]
    adjusted = holm_adjust(p_values)
    return tuple(
        _pair(a, b, labels, class_names, (p, p_all))
        for (a, b), p, p_all in zip(chosen, p_values, adjusted, strict=True)
    )


def _only(first: Probs, second: Probs, labels: Labels) -> tuple[int, int]:
    a, b = first.argmax(axis=1) == labels, second.argmax(axis=1) == labels
    return int((a & ~b).sum()), int((b & ~a).sum())


def _pair(
    a: ModelPredictions,
    b: ModelPredictions,
    labels: Labels,
    class_names: tuple[str, ...],
    p_values: tuple[float, float],
) -> PairwiseComparison:
    p_value, p_adjusted = p_values
    only_first, only_second = _only(a.probs, b.probs, labels)
    right = [(x.probs.argmax(axis=1) == labels).astype(np.float64) for x in (a, b)]
    difference = float((right[0] - right[1]).mean())
    interval = percentile_interval(bootstrap_means(right[0] - right[1]))
    by_class = [
        _only(a.probs[labels == c], b.probs[labels == c], labels[labels == c])
        for c in range(len(class_names))
    ]
    class_p = holm_adjust([mcnemar_exact(*counts) for counts in by_class])
    differ = np.flatnonzero(a.probs.argmax(axis=1) != b.probs.argmax(axis=1))
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
            for name, counts, p in zip(class_names, by_class, class_p, strict=True)
        ),
        num_disagreements=len(differ),
        disagreements=_disagreements(a.probs, b.probs, labels, differ, class_names),
        conclusion=_conclusion(a.model, b.model, difference, interval, p_adjusted, len(labels)),
    )


def _disagreements(
    first: np.ndarray,
    second: np.ndarray,
    labels: np.ndarray,
    differ: np.ndarray,
    class_names: tuple[str, ...],
) -> tuple[Disagreement, ...]:
    surest = np.minimum(first.max(axis=1), second.max(axis=1))[differ]
    chosen = differ[np.argsort(-surest, kind="stable")][:MAX_DISAGREEMENTS]
    return tuple(
        Disagreement(
            int(index),
            class_names[labels[index]],
            class_names[first[index].argmax()],
            float(first[index].max()),
            class_names[second[index].argmax()],
            float(second[index].max()),
        )
        for index in chosen
    )


def _conclusion(
    first: str, second: str, difference: float, interval: Interval, p: float, total: int
) -> str:
    better, worse = (first, second) if difference >= 0 else (second, first)
    low, high = interval if difference >= 0 else (-interval[1], -interval[0])
    figures = (
        f"{100 * abs(difference):.2f} points (95 % interval {100 * low:.2f} to {100 * high:.2f}; "
        f"McNemar p = {p:.2g}, adjusted for all pairs)"
    )
    if p < ALPHA:
        return (
            f"{better} is better than {worse} on images like these {total:,}: by {figures}. That "
            "speaks of these two models, not of training their recipes again."
        )
    if difference == 0:
        return f"{first} and {second} cannot be told apart on {total:,} images: {figures}."
    return (
        f"{first} and {second} cannot be told apart on {total:,} images: {better} is ahead by "
        f"{figures}, which may be chance."
    )


def _groups(
    answers: Sequence[ModelPredictions], right: dict[str, np.ndarray]
) -> tuple[SeedGroup, ...]:
    members: dict[str, list[str]] = {}
    for one in answers:
        members.setdefault(one.group or one.model, []).append(one.model)
    found = []
    for name, models in members.items():
        values = [float(right[model].mean()) for model in models]
        std = basic.stdev(values) if len(values) > 1 else None
        found.append(SeedGroup(name, tuple(models), basic.mean(values), std))
    return tuple(found)


def _group_pairs(
    groups: Sequence[SeedGroup], right: dict[str, np.ndarray]
) -> tuple[RecipeComparison, ...]:
    several = [group for group in groups if len(group.models) > 1]
    chosen = [(a, b) for place, a in enumerate(several) for b in several[place + 1 :]]
    values = {g.name: [float(right[model].mean()) for model in g.models] for g in several}
    adjusted = holm_adjust([permutation_test(values[a.name], values[b.name]) for a, b in chosen])
    found = []
    for (a, b), p in zip(chosen, adjusted, strict=True):
        share, interval = probability_of_superiority(values[a.name], values[b.name])
        sentence = _group_conclusion(a, b, share, interval, p)
        found.append(
            RecipeComparison(a.name, b.name, a.mean - b.mean, share, interval, p, sentence)
        )
    return tuple(found)


def _group_conclusion(
    a: SeedGroup, b: SeedGroup, share: float, interval: Interval, p: float
) -> str:
    better, worse, wins, bounds = a, b, share, interval
    if share < 0.5:
        better, worse, wins = b, a, 1 - share
        bounds = (1 - interval[1], 1 - interval[0])
    runs = (len(better.models), len(worse.models))
    figures = (
        f"on these images a run of {better.name} beats one of {worse.name} with probability "
        f"{wins:.2f} (95 % interval {bounds[0]:.2f} to {bounds[1]:.2f}; permutation p = {p:.2g}; "
        f"{runs[0]} and {runs[1]} runs), by {100 * (better.mean - worse.mean):+.2f} points on "
        "average"
    )
    if p < ALPHA:
        return f"Recipe {better.name} is the better one: {figures}."
    if min_p_value(*runs) >= ALPHA:
        return f"Too few runs to tell {a.name} and {b.name} apart (take 4 or more each): {figures}."
    return f"Recipes {a.name} and {b.name} cannot be told apart by these runs: {figures}."
