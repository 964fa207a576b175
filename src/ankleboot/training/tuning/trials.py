"""Trials of a search: recipe, state and figures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ankleboot.core.files import sha256_of
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.tuning.space import Space

DIRECTIONS = {
    "validation_accuracy": "maximize",
    "validation_loss": "minimize",
    "train_seconds": "minimize",
    "parameters": "minimize",
    "model_bytes": "minimize",
}
"""Objectives of a search, and where better is."""

COMPLETE, PRUNED, DIVERGED, FAILED, RUNNING = "complete", "pruned", "diverged", "failed", "running"


@dataclass(frozen=True)
class Trial:
    """A recipe that was drawn, and what came of it.

    Attributes:
        changes: Fields that differ from the searched recipe, as `--set` takes them.
        key: Hash of the recipe.
        values: Objectives of a complete trial, in the order of the search.
        curve: Validation accuracy by epoch.
        note: Error of a failed trial; deaths of its process before another try.
    """

    number: int
    recipe: Recipe
    changes: tuple[str, ...]
    key: str
    state: str
    values: tuple[float | int, ...] = ()
    objectives: Mapping[str, float | int] = field(default_factory=dict)
    curve: tuple[float, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class SearchSettings:
    """All that decides a search: it continues only with the same ones."""

    recipe: Recipe
    space: Space
    objectives: tuple[str, ...]
    data: str
    data_sha256: str
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Return the settings as a document."""
        return {
            "recipe": self.recipe.to_json(),
            "space": {name: dimension.describe() for name, dimension in self.space.items()},
            "objectives": list(self.objectives),
            "data": {"name": self.data, "train_sha256": self.data_sha256},
            "seed": self.seed,
        }


def recipe_key(recipe: Recipe) -> str:
    """Return a hash of all fields of a recipe."""
    return sha256_of(json.dumps(recipe.to_json(), sort_keys=True).encode())[:8]


def describe_end(trial: Trial, objectives: tuple[str, ...]) -> str:
    """Describe the result of a trial in a line."""
    if trial.state != COMPLETE:
        last = f", {100 * trial.curve[-1]:.2f} %" if trial.curve else ""
        epoch = f" after epoch {len(trial.curve)}{last}" if trial.curve else ""
        return f"{trial.state}{epoch}{f' ({trial.note})' if trial.note else ''}"
    parts = (
        f"{objective_words(name)} {show_objective(name, value)}"
        for name, value in zip(objectives, trial.values, strict=True)
    )
    return ", ".join(parts) + (f" (after {trial.note})" if trial.note else "")


def show_objective(name: str, value: float | int) -> str:
    """Write the value of an objective for people."""
    if name == "validation_accuracy":
        return f"{100 * value:.2f} %"
    return f"{value:,.0f}" if name in ("parameters", "model_bytes") else f"{value:.4g}"


def objective_words(name: str) -> str:
    """Write the name of an objective for people: "validation accuracy"."""
    return name.replace("_", " ")
