"""What the recipes achieved when measured; the figures come from `benchmarks/reproduce.py`."""

import json
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class RecipeResult:
    """One recipe's reproduction.

    Attributes:
        accuracy_mean: Test accuracy over the seeds, as a fraction.
        accuracy_std: Its sample standard deviation; None for a single seed.
        num_seeds: Number of seeds.
        epoch_seconds: Median seconds of an epoch.
        hardware: Where.
        date: When.
    """

    parameters: int
    accuracy_mean: float
    accuracy_std: float | None
    num_seeds: int
    epoch_seconds: float
    hardware: str
    date: str


def load_results() -> dict[str, RecipeResult]:
    """The measured figures by recipe name; a recipe that was never measured is absent."""
    text = resources.files("ankleboot.recipes").joinpath("measured_results.json").read_text()
    return {name: RecipeResult(**figures) for name, figures in json.loads(text).items()}
