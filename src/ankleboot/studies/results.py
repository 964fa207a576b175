"""From the rows of a study's runs to means, intervals and tests; NumPy alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot.evaluation.statistics import (
    Interval,
    bootstrap_means,
    holm_adjust,
    mean_interval,
    percentile_interval,
    permutation_interval,
    permutation_test,
)
from ankleboot.studies.packing import unpacked
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.study import FULL_SEEDS, Comparison, Row, Study

ALPHA = 0.05


@dataclass(frozen=True)
class ComparisonResult:
    """Two variants in one quantity.

    Attributes:
        mean: Of the first less that of the second.
        ci95: Differences that the permutation test does not rule out (for this comparison alone);
            None if there are too few runs.
        images_ci95: Of the accuracy, paired on the same images, seeds averaged: for other images.
        p_adjusted: Of the permutation test, adjusted for all comparisons of the study (Holm).
    """

    quantity: str
    first: str
    second: str
    num_first: int
    num_second: int
    mean: float
    ci95: Interval | None
    images_ci95: Interval | None
    p_value: float
    p_adjusted: float

    @property
    def has_enough_runs(self) -> bool:
        """Whether anything may be concluded."""
        return min(self.num_first, self.num_second) >= FULL_SEEDS

    @property
    def is_found(self) -> bool:
        """Whether the two may be said to differ."""
        return self.has_enough_runs and self.p_adjusted < ALPHA

    @property
    def is_better(self) -> bool | None:
        """Whether the first is better; None without a difference or in what is no merit."""
        more = QUANTITIES[self.quantity].more_is_better
        return None if more is None or not self.is_found else (self.mean > 0) == more


@dataclass(frozen=True)
class Summary:
    """A variant in one quantity, over its runs."""

    variant: str
    quantity: str
    num_runs: int
    mean: float
    std: float | None
    ci95: Interval | None


@dataclass(frozen=True)
class StudyResults:
    """A study's numbers.

    Attributes:
        rows: Of every run, without the answers to single images.
        is_quick: Whether it was a quick look, which claims nothing.
    """

    study: Study
    rows: tuple[Row, ...]
    is_quick: bool
    summaries: tuple[Summary, ...]
    differences: tuple[ComparisonResult, ...]

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of those that ran, in the study's order."""
        return tuple(dict.fromkeys(row["variant"] for row in self.rows))

    def values(self, variant: str, key: str) -> list[float]:
        """A number of every run that has it."""
        return _values(self.rows, variant, key)

    def has(self, variant: str, key: str = "accuracy") -> bool:
        """Whether there is any."""
        return bool(self.values(variant, key))

    def mean(self, variant: str, key: str) -> float:
        """Over the runs."""
        return float(np.mean(self.values(variant, key)))

    def show(self, variant: str, key: str) -> str:
        """The mean with its unit."""
        return QUANTITIES[key].show(self.mean(variant, key))

    def series(self, variant: str, key: str) -> np.ndarray:
        """A list of numbers of every run: (runs, numbers); shorter ones end in NaN."""
        found = [row["measures"][key] for row in self._of(variant) if key in row["measures"]]
        longest = max(map(len, found))
        return np.array([[*one, *[np.nan] * (longest - len(one))] for one in found], float)

    def first(self, variant: str, key: str) -> Any:
        """Whatever the first run has under the key."""
        return next(row["measures"][key] for row in self._of(variant) if key in row["measures"])

    def difference(self, key: str, first: str, second: str) -> ComparisonResult:
        """One of the study's comparisons."""
        return next(
            one
            for one in self.differences
            if (one.quantity, one.first, one.second) == (key, first, second)
        )

    def compared(self, key: str) -> tuple[ComparisonResult, ...]:
        """The comparisons in one quantity."""
        return tuple(one for one in self.differences if one.quantity == key)

    def _of(self, variant: str) -> list[Row]:
        return [row for row in self.rows if row["variant"] == variant]

    def to_json(self) -> dict[str, Any]:
        """What study.json says of it."""
        return {
            "study": self.study.name,
            "quick": self.is_quick,
            "summary": [asdict(one) for one in self.summaries],
            "differences": [asdict(one) for one in self.differences],
            "rows": list(self.rows),
        }


def from_json(document: dict[str, Any], study: Study) -> StudyResults:
    """Rebuild what `Findings.to_json` gave: what was stored is read, not computed again."""
    return StudyResults(
        study,
        tuple(document["rows"]),
        document["quick"],
        tuple(
            Summary(**one | {"ci95": one["ci95"] and tuple(one["ci95"])})
            for one in document["summary"]
        ),
        tuple(
            ComparisonResult(
                **one | {name: one[name] and tuple(one[name]) for name in ("ci95", "images_ci95")}
            )
            for one in document["differences"]
        ),
    )


def summarise(study: Study, rows: Sequence[Row], *, is_quick: bool) -> StudyResults:
    """Compute means, intervals and tests from the rows."""
    names = list(dict.fromkeys(row["variant"] for row in rows))
    keys = dict.fromkeys([*study.columns, *(one.quantity for one in study.comparisons)])
    summaries = [
        _summary(name, key, values)
        for name in names
        for key in keys
        if (values := _values(rows, name, key))
    ]
    bare = tuple({key: row[key] for key in row if key != "answers"} for row in rows)
    return StudyResults(study, bare, is_quick, tuple(summaries), _differences(study, rows))


def _summary(variant: str, key: str, values: list[float]) -> Summary:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Summary(variant, key, len(values), float(np.mean(values)), std, mean_interval(values))


def _values(rows: Sequence[Row], variant: str, key: str) -> list[float]:
    found = [row["measures"].get(key) for row in rows if row["variant"] == variant]
    return [float(one) for one in found if one is not None]


def _differences(study: Study, rows: Sequence[Row]) -> tuple[ComparisonResult, ...]:
    pairs = [(one, *_sides(one, rows)) for one in study.comparisons]
    pairs = [(one, a, b) for one, a, b in pairs if a and b]
    p_values = [permutation_test(a, b) for _, a, b in pairs]
    return tuple(
        ComparisonResult(
            one.quantity,
            one.first,
            one.second,
            len(a),
            len(b),
            float(np.mean(a) - np.mean(b)),
            permutation_interval(a, b),
            _images_interval(one, rows),
            p,
            adjusted,
        )
        for (one, a, b), p, adjusted in zip(pairs, p_values, holm_adjust(p_values), strict=True)
    )


def _sides(versus: Comparison, rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    return (
        _values(rows, versus.first, versus.quantity),
        _values(rows, versus.second, versus.quantity),
    )


def _images_interval(versus: Comparison, rows: Sequence[Row]) -> Interval | None:
    """The accuracies' difference on other images like these: resampled in pairs."""
    if versus.quantity != "accuracy":
        return None
    sides = []
    for name in (versus.first, versus.second):
        right = [
            unpacked(row["answers"])
            for row in rows
            if row["variant"] == name and row.get("answers") is not None
        ]
        if not right:
            return None
        sides.append(np.mean(right, axis=0))
    return percentile_interval(bootstrap_means(sides[0] - sides[1]))
