"""Studies: a question, variants of a recipe, measures, and the answer that numbers give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from ankleboot.core import plugins
from ankleboot.core.types import PackedArray
from ankleboot.recipes.recipe import Recipe

if TYPE_CHECKING:  # matplotlib is loaded when a figure is drawn
    from matplotlib.figure import Figure

    from ankleboot.studies.results import StudyResults

MIN_SEEDS = 5  # per side of a comparison, to conclude anything
IDENTITY = "as they are"

Row = Mapping[str, Any]
"""Content of a run's file; see `run_once.measure_run`."""


class RowDocument(TypedDict):
    """Fields of a run's file that the results need."""

    study: str
    variant: str
    seed: int
    diverged: bool
    measures: dict[str, Any]
    seconds: Annotated[float, Meta(ge=0)]
    correct: NotRequired[PackedArray | None]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A recipe of a study, and the transform of its pixels.

    Attributes:
        recipe: Recipe, named after the recipe of `ankleboot train` that it derives from.
        pixels: Key of `PIXEL_TRANSFORMS`.
        shipped: Whether the package's own run of the recipe is measured if it learned these data.
        once: Whether one seed suffices, because others give the same result.
        measures: Measures of this variant, beside those of the study.
    """

    name: str
    recipe: Recipe
    pixels: str = IDENTITY
    shipped: bool = False
    once: bool = False
    measures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A tested difference: `first` less `second` in `quantity`."""

    quantity: str
    first: str
    second: str


@dataclass(frozen=True)
class Chart:
    """A figure that is not drawn yet.

    `has_pixels` says that it consists of images, which become PNG instead of SVG.
    """

    title: str
    draw: Callable[[], "Figure"]
    has_pixels: bool = False


@dataclass(frozen=True)
class Claim:
    """Statement about results, with its check; see `claims` for the usual ones."""

    words: str
    holds: Callable[["StudyResults"], bool]


@dataclass(frozen=True, kw_only=True)
class PlainAnswer:
    """Answer in words that a pupil understands, written by hand for the stored results.

    Attributes:
        sentences: At most three short ones; the first one stands in the list of the studies.
        claims: All that sentences and caveats rely on; a test holds the stored results to them.
        figure: Index of the chart that shows the answer.
        caption: Sentence that says how to read this chart.
        caveats: Conditions and side effects that limit the answer.
    """

    sentences: tuple[str, ...]
    claims: tuple[Claim, ...]
    figure: int
    caption: str
    caveats: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A concept question as an experiment.

    Attributes:
        quick: Variants of `--quick`, one run each.
        measures: Measures of every run; see `measures.load`.
        comparisons: All tested differences; Holm's adjustment covers them.
        columns: Quantities of the table; see `QUANTITIES`.
        next_steps: Commands to try, each with what it changes behind a "#".
        plain: None before the study was run in full.
        minutes: Approximate minutes of the full study on two cores.
    """

    name: str
    question: str
    hypothesis: str
    variants: tuple[Variant, ...]
    quick: tuple[Variant, ...]
    measures: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = ()
    columns: tuple[str, ...]
    answer: Callable[["StudyResults"], tuple[str, str, str]]
    charts: Callable[["StudyResults"], tuple[Chart, ...]]
    next_steps: tuple[str, ...]
    plain: PlainAnswer | None = None
    seeds: int = MIN_SEEDS
    minutes: float

    @property
    def num_runs(self) -> int:
        return sum(1 if variant.once else self.seeds for variant in self.variants)


@dataclass(frozen=True)
class Job:
    """A run to make."""

    study: str
    variant: Variant
    seed: int
    measures: tuple[str, ...]
    data: str

    @property
    def recipe(self) -> Recipe:
        return replace(self.variant.recipe, seed=self.seed)


def get_study(name: str) -> Study:
    """Return the study called `name`.

    Raises:
        UsageError: If there is none; the message lists the valid names.
    """
    study: Study = plugins.resolve("studies", name)
    return study


def list_jobs(study: Study, data: str, num_train: int, *, quick: bool, seeds: int) -> list[Job]:
    """List the runs of a study, all variants of a seed before the next seed.

    A `train_size` above `num_train`, the number of training images, means all of them.
    """
    variants = [
        replace(variant, recipe=replace(variant.recipe, train_size=0))
        if variant.recipe.train_size > num_train
        else variant
        for variant in (study.quick if quick else study.variants)
    ]
    return [
        Job(study.name, variant, seed, (*study.measures, *variant.measures), data)
        for seed in range(seeds)
        for variant in variants
        if seed == 0 or not variant.once
    ]
