"""Records of a comparison of models, and the conclusions drawn from their numbers."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ankleboot.core.files import make_folder, write_json
from ankleboot.core.records import Record
from ankleboot.core.types import Images
from ankleboot.evaluation.statistics import Interval, min_p_value

ALPHA = 0.05


@dataclass(frozen=True)
class AccuracyEstimate:
    """Accuracy of one model with its Wilson interval."""

    model: str
    accuracy: float
    accuracy_ci95: Interval


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
        difference_ci95: Paired bootstrap interval of the difference.
        only_first: Number of images that only the first model gets right.
        only_second: Number of images that only the second model gets right.
        p_value: McNemar's exact test, two-sided.
        p_adjusted: The same p-value after Holm's correction for all pairs of the comparison.
        per_class: Differences by class, with p-values adjusted for all classes.
        num_disagreements: Number of images with different predictions.
        disagreements: The most confident of them.
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


@dataclass(frozen=True, repr=False)
class Comparison(Record):
    """Models compared on the same images.

    Attributes:
        pairs: Models, image by image; empty where recipes are compared.
        groups: Runs by recipe; a single model is a group of one.
        group_pairs: Recipes; empty unless two of them have several runs.
        num_test_evaluations: Number of evaluations on the test split so far, by model.
        images: Images that the models were compared on.
    """

    num_examples: int
    models: tuple[AccuracyEstimate, ...]
    pairs: tuple[PairwiseComparison, ...]
    groups: tuple[SeedGroup, ...]
    group_pairs: tuple[RecipeComparison, ...]
    data: str = ""
    split: str = ""
    num_test_evaluations: dict[str, int] = field(default_factory=dict)
    images: Images | None = field(default=None, compare=False)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Conclusions in words, those about recipes first."""
        recipes = tuple(pair.conclusion for pair in self.group_pairs)
        return recipes + tuple(pair.conclusion for pair in self.pairs)

    def summary(self) -> dict[str, str]:
        """Return the accuracy of each model."""
        return {score.model: f"{100 * score.accuracy:.2f} %" for score in self.models}

    def to_json(self) -> dict[str, Any]:
        """Return the document of `compare --json`."""
        return {
            "data": self.data,
            "split": self.split,
            "test_reads": self.num_test_evaluations,
            "num_examples": self.num_examples,
            "models": [asdict(score) for score in self.models],
            "pairs": [asdict(pair) for pair in self.pairs],
            "groups": [asdict(group) for group in self.groups],
            "group_pairs": [asdict(pair) for pair in self.group_pairs],
            "sentences": list(self.sentences),
        }

    def write(self, folder: Path) -> list[Path]:
        """Write the document, and a figure of the first pair's disagreements; return the paths."""
        from ankleboot.evaluation.plots.evaluation import disagreements
        from ankleboot.evaluation.plots.style import save_figure

        make_folder(folder)
        paths = [folder / "comparison.json"]
        write_json(paths[0], self.to_json())
        if self.images is not None and self.pairs and self.pairs[0].disagreements:
            paths.append(folder / "disagreements.png")
            save_figure(disagreements(self.pairs[0], self.images), paths[1])
        return paths


def conclude_pair(
    first: str, second: str, difference: float, interval: Interval, p: float, num_images: int
) -> str:
    """Describe whether one of two models is better on images like these."""
    better, worse = (first, second) if difference >= 0 else (second, first)
    low, high = interval if difference >= 0 else (-interval[1], -interval[0])
    numbers = (
        f"{100 * abs(difference):.2f} points (95 % interval {100 * low:.2f} to {100 * high:.2f}; "
        f"McNemar p = {p:.2g}, adjusted for all pairs)"
    )
    if p < ALPHA:
        return (
            f"{better} is better than {worse} on images like these {num_images:,}: by {numbers}. "
            "This holds for these two models; retraining their recipes may give other results."
        )
    start = f"{first} and {second} cannot be told apart on {num_images:,} images: "
    if difference == 0:
        return f"{start}{numbers}."
    return f"{start}{better} is ahead by {numbers}, which may be chance."


def conclude_recipes(
    a: SeedGroup, b: SeedGroup, superiority: float, interval: Interval, p: float
) -> str:
    """Describe whether one of two recipes is better over its runs."""
    better, worse, wins, bounds = a, b, superiority, interval
    if superiority < 0.5:
        better, worse, wins = b, a, 1 - superiority
        bounds = (1 - interval[1], 1 - interval[0])
    num_runs = (len(better.models), len(worse.models))
    numbers = (
        f"on these images a run of {better.name} beats one of {worse.name} with probability "
        f"{wins:.2f} (95 % interval {bounds[0]:.2f} to {bounds[1]:.2f}; permutation p = {p:.2g}; "
        f"{num_runs[0]} and {num_runs[1]} runs), by {100 * (better.mean - worse.mean):+.2f} points "
        "on average"
    )
    if p < ALPHA:
        return f"Recipe {better.name} is the better one: {numbers}."
    if min_p_value(*num_runs) >= ALPHA:
        return f"Too few runs to tell {a.name} and {b.name} apart (take 4 or more each): {numbers}."
    return f"Recipes {a.name} and {b.name} cannot be told apart by these runs: {numbers}."
