"""What a study is: a question, variants of a recipe, what is measured, and how numbers answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ankleboot.recipes.recipe import Recipe

if TYPE_CHECKING:  # a figure is drawn after the numbers are there
    from matplotlib.figure import Figure

    from ankleboot.studies.results import StudyResults


FULL_SEEDS = 5  # fewer on a side allow no claim
IDENTITY = "as they are"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One of the things that are compared: a recipe, and what is done to the pixels before.

    Attributes:
        name: Short, unique in its study.
        recipe: Named after the recipe of `ankleboot train` that it is a difference from.
        pixels: A key of `treatments.TREATMENTS`.
        shipped: Take the package's own run of the recipe if it learned these data; train otherwise.
        once: Other seeds would change nothing.
        measures: Of this variant alone, beside the study's.
    """

    name: str
    recipe: Recipe
    pixels: str = IDENTITY
    shipped: bool = False
    once: bool = False
    measures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A difference that the study was made to find or not: `first` less `second` in `quantity`."""

    quantity: str
    first: str
    second: str


@runtime_checkable
class Chart(Protocol):
    """A figure before it is drawn: numbers and words."""

    @property
    def title(self) -> str:
        """What it shows."""

    @property
    def is_picture(self) -> bool:
        """Whether it is made of images, which keep their own colors."""

    def draw(self) -> "Figure":
        """Draw it."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A concept question as an experiment.

    Attributes:
        quick: Variants of `--quick`, one run each.
        measures: Keys of `measures.MEASURES`, taken of every run.
        comparisons: All that is tested; Holm's adjustment is over them.
        columns: Quantities of the table.
        answer: Three sentences that follow from the numbers.
        charts: What shows it.
        next_steps: Commands for those who want to go on.
        minutes: That the full study takes on two cores, about.
    """

    name: str
    question: str
    hypothesis: str
    variants: tuple[Variant, ...]
    quick: tuple[Variant, ...]
    measures: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    columns: tuple[str, ...]
    answer: Callable[["StudyResults"], tuple[str, str, str]]
    charts: Callable[["StudyResults"], tuple[Chart, ...]]
    next_steps: tuple[str, ...]
    seeds: int = FULL_SEEDS
    minutes: float

    @property
    def num_runs(self) -> int:
        """Of the full study."""
        return sum(1 if one.once else self.seeds for one in self.variants)

    def find(self, variant: str) -> Variant:
        """The variant of that name."""
        return next(one for one in (*self.variants, *self.quick) if one.name == variant)


@dataclass(frozen=True)
class Job:
    """One run to be made."""

    study: str
    variant: Variant
    seed: int
    measures: tuple[str, ...]
    data: str

    @property
    def recipe(self) -> Recipe:
        """What is trained."""
        return replace(self.variant.recipe, seed=self.seed)


def jobs(study: Study, data: str, num_train: int, *, quick: bool, seeds: int) -> list[Job]:
    """The runs of a study, all variants of a seed before the next seed.

    Args:
        study: Which.
        data: Name of the data.
        num_train: Images that the data leave for training; larger `train_size` means all of them.
        quick: The variants of `--quick`.
        seeds: How many, from 0.
    """
    chosen = study.quick if quick else study.variants
    fitting = [
        replace(one, recipe=replace(one.recipe, train_size=0))
        if one.recipe.train_size > num_train
        else one
        for one in chosen
    ]
    return [
        Job(study.name, one, seed, (*study.measures, *one.measures), data)
        for seed in range(seeds)
        for one in fitting
        if seed == 0 or not one.once
    ]


Row = Mapping[str, Any]
"""What a run's file holds; see `run.measured`."""
