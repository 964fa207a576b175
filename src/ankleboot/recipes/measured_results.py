"""Measured results of the recipes; `benchmarks/reproduce.py` writes them."""

import json
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class RecipeResult:
    """Measured result of a recipe."""

    parameters: int  # of the network
    accuracy_mean: float  # of the test images over the seeds, as a fraction
    accuracy_std: float | None  # sample standard deviation; None for a single seed
    num_seeds: int
    epoch_seconds: float  # median
    hardware: str
    date: str


def load_results() -> dict[str, RecipeResult]:
    """Load the measured results by recipe name; some recipes have none."""
    text = resources.files("ankleboot.recipes").joinpath("measured_results.json").read_text()
    return {name: RecipeResult(**figures) for name, figures in json.loads(text).items()}
