"""Leaderboard: mean and spread of each group of runs that differ in their seeds alone."""

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.evaluation.statistics import Interval, mean_interval
from ankleboot.models.run_list.columns import COMPLETE, Row, check_column

SMALLER_IS_BETTER = ("loss", "seconds", "parameters")
"""Last words of the columns of which the smallest value comes first."""


@dataclass(frozen=True)
class Standing:
    """Runs of one recipe on one data set: a metric over their seeds.

    Attributes:
        name: Recipe, and the fields that `--set` changed.
        std: Standard deviation of the sample; None for a single run.
        ci95: 95 % interval of the mean (Student's t); None for a single run.
        runs: Folders of the runs.
    """

    name: str
    data: str
    metric: str
    n: int
    mean: float
    std: float | None
    ci95: Interval | None
    best: float
    worst: float
    runs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def rank_groups(rows: Iterable[Row], metric: str = "validation_accuracy") -> list[Standing]:
    """Rank the groups of complete runs by the mean of a metric, the best first.

    Args:
        rows: Runs, as `list_runs` gives them; those without the metric are left out.
        metric: Column with numbers; of losses, seconds and parameters the smallest is best.

    Raises:
        UsageError: If the column is unknown or holds text.
    """
    sign = -1 if check_column(metric).split("_")[-1] in SMALLER_IS_BETTER else 1
    groups: dict[object, list[tuple[float, Row]]] = {}
    for row in rows:
        value = row[metric]
        if row["state"] != COMPLETE or value is None:
            continue
        if isinstance(value, str | bool):
            raise UsageError(f"{metric}: expected a column with numbers, it has {value!r}")
        groups.setdefault(row["group"], []).append((value, row))
    standings = [_standing(metric, sign, members) for members in groups.values()]
    return sorted(standings, key=lambda standing: sign * standing.mean, reverse=True)


def _standing(metric: str, sign: int, members: list[tuple[float, Row]]) -> Standing:
    values = [value for value, _ in members]
    first = members[0][1]
    changes = [part for part in str(first["changes"]).split() if not part.startswith("fold=")]
    corrected = ["with corrected labels"] if first["label_file"] else []
    ordered = sorted(values, key=lambda value: sign * value)
    return Standing(
        name=" ".join([str(first["recipe"]), *changes, *corrected]),
        data=str(first["data"]),
        metric=metric,
        n=len(values),
        mean=statistics.mean(values),
        std=statistics.stdev(values) if len(values) > 1 else None,
        ci95=mean_interval(values),
        best=ordered[-1],
        worst=ordered[0],
        runs=tuple(str(row["run"]) for _, row in members),
    )
