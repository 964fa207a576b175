"""Measured results of the recipes; `benchmarks/reproduce.py` writes them."""

import json
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class RecipeResult:
    """Measured result of a recipe.

    Attributes:
        parameters: Number of parameters of the network.
        accuracy_mean: Mean test accuracy over the seeds, as a fraction.
        accuracy_std: Sample standard deviation of the accuracy; None for a single seed.
        num_seeds: Number of seeds.
        epoch_seconds: Median time of an epoch in seconds.
        hardware: Processor of the measurement.
        date: Date of the measurement.
    """

    parameters: int
    accuracy_mean: float
    accuracy_std: float | None
    num_seeds: int
    epoch_seconds: float
    hardware: str
    date: str


def load_results() -> dict[str, RecipeResult]:
    """Load the measured results by recipe name; some recipes have none."""
    text = resources.files("ankleboot.recipes").joinpath("measured_results.json").read_text()
    return {name: RecipeResult(**figures) for name, figures in json.loads(text).items()}
