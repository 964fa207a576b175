"""Means, intervals and tests from the rows of a study's runs; NumPy only."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.evaluation.statistics import (
    Interval,
    bootstrap_means,
    holm_adjust,
    mean_interval,
    percentile_interval,
    permutation_interval,
    permutation_test,
)
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.study import MIN_SEEDS, Comparison, Row, Study

ALPHA = 0.05
MIN_COMPARED_SECONDS = 10.0
"""Mean seconds of a training below which a quick run compares no times. Building, compiling and
saving a network took 0.8 to 1.3 s in the stored runs of the study "filters" (its untrained network
learns for one step). From 10 s on, this is an eighth at most; in shorter trainings the start
decides which of them is longer."""


@dataclass(frozen=True)
class ComparisonResult(Comparison):
    """Two variants compared in one quantity.

    Attributes:
        mean: Mean of the first less that of the second.
        ci95: Differences that the permutation test does not reject, without adjustment for other
            comparisons; None if there are too few runs.
        images_ci95: Interval of the accuracy difference over images, paired, seeds averaged.
        p_adjusted: P-value adjusted for all comparisons of the study (Holm).
    """

    num_first: int
    num_second: int
    mean: float
    ci95: Interval | None
    images_ci95: Interval | None
    p_value: float
    p_adjusted: float

    @property
    def has_enough_runs(self) -> bool:
        return min(self.num_first, self.num_second) >= MIN_SEEDS

    @property
    def is_found(self) -> bool:
        return self.has_enough_runs and self.p_adjusted < ALPHA

    @property
    def is_better(self) -> bool | None:
        """True if the first is better; None without a difference or an order of merit."""
        more = QUANTITIES[self.quantity].more_is_better
        return None if more is None or not self.is_found else (self.mean > 0) == more


@dataclass(frozen=True)
class Summary:
    """A quantity of a variant over its runs."""

    variant: str
    quantity: str
    num_runs: int
    mean: float
    std: float | None
    ci95: Interval | None


@dataclass(frozen=True)
class StudyResults:
    """Results of a study; the rows come without the outcomes of single images."""

    study: Study
    rows: tuple[Row, ...]
    is_quick: bool
    summaries: tuple[Summary, ...]
    comparisons: tuple[ComparisonResult, ...]

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants that ran, in the study's order."""
        return tuple(dict.fromkeys(row["variant"] for row in self.rows))

    def values(self, variant: str, key: str) -> list[float]:
        """Return a number of every run that has it."""
        return _values(self.rows, variant, key)

    def scaled(self, variant: str, key: str) -> list[float]:
        """Return a number of every run that has it, as shown: shares in percent."""
        return [QUANTITIES[key].scale * value for value in self.values(variant, key)]

    def has(self, variant: str, key: str = "accuracy") -> bool:
        """Return whether a run of the variant has the number."""
        return bool(self.values(variant, key))

    def mean(self, variant: str, key: str) -> float:
        """Return the mean over the runs."""
        return float(np.mean(self.values(variant, key)))

    def show(self, variant: str, key: str) -> str:
        """Return the mean over the runs with its unit."""
        return f"{QUANTITIES[key].number(self.mean(variant, key))}{QUANTITIES[key].unit}"

    def ratio(self, variant: str, other: str, key: str) -> float:
        """Return the mean of a variant divided by that of another."""
        return self.mean(variant, key) / self.mean(other, key)

    def has_comparable_times(self, *variants: str) -> bool:
        """Return whether the trainings are long enough to compare their seconds."""
        means = [self.mean(variant, "train_seconds") for variant in variants]
        return not self.is_quick or min(means) >= MIN_COMPARED_SECONDS

    def series(self, variant: str, key: str) -> np.ndarray:
        """Return a list of numbers of every run as (runs, numbers), padded with NaN."""
        lists = self._measured(variant, key)
        longest = max(map(len, lists))
        return np.array([[*values, *[np.nan] * (longest - len(values))] for values in lists], float)

    def first_value(self, variant: str, key: str) -> Any:
        """Return a value of the first run that has it."""
        return self._measured(variant, key)[0]

    def comparisons_in(self, quantity: str) -> tuple[ComparisonResult, ...]:
        """Return the results of the comparisons in one quantity."""
        return tuple(result for result in self.comparisons if result.quantity == quantity)

    def _measured(self, variant: str, key: str) -> list[Any]:
        rows = [row for row in self.rows if row["variant"] == variant and key in row["measures"]]
        return [row["measures"][key] for row in rows]

    def to_json(self) -> dict[str, Any]:
        """Return the results as study.json holds them."""
        return {
            "study": self.study.name,
            "quick": self.is_quick,
            "summary": [asdict(summary) for summary in self.summaries],
            "differences": [asdict(result) for result in self.comparisons],
            "rows": list(self.rows),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any], study: Study) -> "StudyResults":
        """Rebuild results from study.json without computing them again."""
        return cls(
            study,
            tuple(document["rows"]),
            document["quick"],
            tuple(Summary(**_with_tuples(item)) for item in document["summary"]),
            tuple(ComparisonResult(**_with_tuples(item)) for item in document["differences"]),
        )


def _with_tuples(item: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in item.items()}


def summarize(study: Study, rows: Sequence[Row], *, is_quick: bool) -> StudyResults:
    """Compute means, intervals and tests from the rows."""
    keys = dict.fromkeys([*study.columns, *(c.quantity for c in study.comparisons)])
    summaries = [
        _summary(name, key, values)
        for name in dict.fromkeys(row["variant"] for row in rows)
        for key in keys
        if (values := _values(rows, name, key))
    ]
    bare = tuple({key: row[key] for key in row if key != "correct"} for row in rows)
    return StudyResults(study, bare, is_quick, tuple(summaries), _compare(study, rows))


def _summary(variant: str, key: str, values: list[float]) -> Summary:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Summary(variant, key, len(values), float(np.mean(values)), std, mean_interval(values))


def _values(rows: Sequence[Row], variant: str, key: str) -> list[float]:
    values = [row["measures"].get(key) for row in rows if row["variant"] == variant]
    return [float(value) for value in values if value is not None]


def _compare(study: Study, rows: Sequence[Row]) -> tuple[ComparisonResult, ...]:
    sides = [
        (c, a, b)
        for c in study.comparisons
        if (a := _values(rows, c.first, c.quantity)) and (b := _values(rows, c.second, c.quantity))
    ]
    p_values = [permutation_test(a, b) for _, a, b in sides]
    return tuple(
        ComparisonResult(
            c.quantity,
            c.first,
            c.second,
            len(a),
            len(b),
            float(np.mean(a) - np.mean(b)),
            permutation_interval(a, b),
            _images_interval(c, rows),
            p_value,
            adjusted,
        )
        for (c, a, b), p_value, adjusted in zip(sides, p_values, holm_adjust(p_values), strict=True)
    )


def _images_interval(comparison: Comparison, rows: Sequence[Row]) -> Interval | None:
    """Bootstrap the difference of the accuracies over images, in pairs."""
    if comparison.quantity != "accuracy":
        return None
    sides = []
    for name in (comparison.first, comparison.second):
        own = [row for row in rows if row["variant"] == name and row.get("correct")]
        correct = [unpack_array(row["correct"]) for row in own]
        if not correct:
            return None
        sides.append(np.mean(correct, axis=0))
    return percentile_interval(bootstrap_means(sides[0] - sides[1]))
