"""Groups of runs of a recipe with different seeds, which alone allow conclusions about recipes."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from ankleboot.core.errors import UsageError
from ankleboot.evaluation.statistics import (
    ALPHA,
    Interval,
    holm_adjust,
    min_p_value,
    permutation_test,
    probability_of_superiority,
)
from ankleboot.inference.load import ResolvedModel
from ankleboot.models.run_list.groups import group_key, group_label


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one recipe with different seeds: their accuracy and its standard deviation."""

    name: str
    models: tuple[str, ...]
    mean: float
    std: float | None


@dataclass(frozen=True)
class RecipeComparison:
    """Two recipes compared over their runs.

    Attributes:
        superiority: P(a run of the first recipe > a run of the second), on these images.
        p_adjusted: Permutation test of the runs, after Holm's correction for all pairs of recipes.
    """

    first: str
    second: str
    difference: float
    superiority: float
    superiority_ci95: Interval
    p_adjusted: float
    conclusion: str


def group_names(models: Sequence[ResolvedModel]) -> list[str]:
    """Name the group of each model: recipe and overrides of a run, "" for other models.

    Raises:
        UsageError: If two runs of a group have the same seed.
    """
    names: dict[str, str] = {}
    by_seed: dict[tuple[str, int], str] = {}
    groups = []
    for model in models:
        if model.run is None or model.path is None or not model.path.is_dir():
            groups.append("")  # an exported file stands for itself
            continue
        recipe, manifest = model.run.recipe(), model.run.manifest()
        if "adopted" in manifest:  # no recipe of ours made it
            groups.append("")
            continue
        key = group_key(recipe, manifest)
        if other := by_seed.get((key, recipe.seed)):
            raise UsageError(
                f"{other} and {model.name} have the same recipe and seed {recipe.seed}"
            )
        by_seed[key, recipe.seed] = model.name
        if key not in names:
            label = group_label(recipe, manifest)
            copies = sum(other.partition(" (")[0] == label for other in names.values())
            names[key] = f"{label} ({copies + 1})" if copies else label
        groups.append(names[key])
    return groups


def form_groups(
    groups: Mapping[str, str], accuracies: Mapping[str, float]
) -> tuple[SeedGroup, ...]:
    """Join the models of each group; `groups` and `accuracies` are by model."""
    members: dict[str, list[str]] = {}
    for model, group in groups.items():
        members.setdefault(group or model, []).append(model)
    formed = []
    for name, models in members.items():
        values = [accuracies[model] for model in models]
        std = statistics.stdev(values) if len(values) > 1 else None
        formed.append(SeedGroup(name, tuple(models), statistics.mean(values), std))
    return tuple(formed)


def compare_recipes(
    groups: Sequence[SeedGroup], accuracies: Mapping[str, float]
) -> tuple[RecipeComparison, ...]:
    """Compare every pair of groups that have several runs each."""
    pairs = list(combinations([group for group in groups if len(group.models) > 1], 2))
    values = {group.name: [accuracies[model] for model in group.models] for group in groups}
    adjusted = holm_adjust([permutation_test(values[a.name], values[b.name]) for a, b in pairs])
    comparisons = []
    for (a, b), p in zip(pairs, adjusted, strict=True):
        share, interval = probability_of_superiority(values[a.name], values[b.name])
        conclusion = _conclude(a, b, share, interval, p)
        comparisons.append(
            RecipeComparison(a.name, b.name, a.mean - b.mean, share, interval, p, conclusion)
        )
    return tuple(comparisons)


def _conclude(a: SeedGroup, b: SeedGroup, superiority: float, interval: Interval, p: float) -> str:
    """Describe whether one of two recipes is better over its runs."""
    better, worse, wins, (low, high) = a, b, superiority, interval
    if superiority < 0.5:
        better, worse, wins, low, high = b, a, 1 - superiority, 1 - high, 1 - low
    num_runs = (len(better.models), len(worse.models))
    numbers = (
        f"on these images a run of {better.name} beats one of {worse.name} with probability "
        f"{wins:.2f} (95 % interval {low:.2f} to {high:.2f}; permutation p = {p:.2g}; "
        f"{num_runs[0]} and {num_runs[1]} runs), by {100 * (better.mean - worse.mean):+.2f} points "
        "on average"
    )
    if p < ALPHA:
        return f"Recipe {better.name} is the better one: {numbers}."
    if min_p_value(*num_runs) >= ALPHA:
        return (
            f"Too few runs to distinguish {a.name} and {b.name} (take 4 or more each): {numbers}."
        )
    return f"Recipes {a.name} and {b.name} cannot be distinguished by these runs: {numbers}."
