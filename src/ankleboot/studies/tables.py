"""Tables of a study as rows of text, for page, docs and terminal."""

from typing import Any

from ankleboot.recipes.catalog import RECIPES, overrides_of
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ComparisonResult, StudyResults
from ankleboot.studies.sentences import verdict
from ankleboot.studies.study import IDENTITY, MIN_SEEDS, Variant

Table = list[list[str]]

TESTS_NOTE = (
    f"Two-sided permutation tests over the runs ({MIN_SEEDS} or more a side, else nothing is "
    "claimed), p-values adjusted for all comparisons of this table (Holm). The interval over runs "
    "holds the differences that the test alone does not rule out; the one over images is paired: "
    "the same images, resampled."
)
NO_TESTS_NOTE = "Nothing is compared over runs here: the sentences state what was measured."


def numbers_table(results: StudyResults) -> Table:
    """Return a line per variant and a column per quantity that a variant has."""
    cells = {
        (summary.variant, summary.quantity): _number_cell(
            summary.quantity, summary.mean, summary.std
        )
        for summary in results.summaries
    }
    present = {quantity for _, quantity in cells}
    keys = [key for key in results.study.columns if key in present]
    head = ["variant", *(QUANTITIES[key].title for key in keys)]
    lines = [[name, *(cells.get((name, key), "") for key in keys)] for name in results.variants]
    return [head, *lines]


def _number_cell(key: str, mean: float, std: float | None) -> str:
    quantity = QUANTITIES[key]
    if std is None or not round(quantity.scale * std, quantity.digits):
        return quantity.number(mean)
    return f"{quantity.number(mean)} +- {quantity.number(std)}"


def tests_table(results: StudyResults) -> Table:
    """Return a line per comparison."""
    head = ["comparison", "in", "difference", "95 %, over runs", "over images", "p (Holm)", "so"]
    return [head, *(_test_line(result) for result in results.comparisons)]


def _test_line(result: ComparisonResult) -> list[str]:
    quantity = QUANTITIES[result.quantity]
    ranges = ["" if b is None else quantity.range(b) for b in (result.ci95, result.images_ci95)]
    p_value = f"{result.p_adjusted:.2g}" if result.has_enough_runs else ""
    name = f"{result.first} - {result.second}"
    difference = quantity.difference(result.mean)
    return [name, quantity.words, difference, *ranges, p_value, verdict(result)]


def commands_table(results: StudyResults) -> dict[str, str]:
    """Return the command of every variant that ran, by its name."""
    study = results.study
    variants = study.quick if results.is_quick else study.variants
    return {v.name: command_of(v) for v in variants if v.name in results.variants}


def command_of(variant: Variant) -> str:
    """Return the command that trains a variant."""
    if variant.shipped:
        return "the shipped model (trained anew where the data are not its own)"
    recipe = variant.recipe
    settings = " ".join(f"--set {setting}" for setting in overrides_of(recipe))
    name = recipe.name if recipe.name in RECIPES else "plain"
    pixels = "" if variant.pixels == IDENTITY else f"  (pixels {variant.pixels})"
    return f"ankleboot train {name} {settings}".strip() + pixels


def environment_line(document: dict[str, Any]) -> str:
    """Return data, duration, hardware, versions and date of a study."""
    hardware = document["hardware"]
    versions = document["versions"]
    tensorflow = versions.get("tensorflow-cpu") or versions.get("tensorflow", "?")
    return (
        f"{document['data']['name']}, {document['seeds']} "
        f"{'seed' if document['seeds'] == 1 else 'seeds'}, {document['seconds'] / 60:.1f} minutes "
        f"on {hardware['usable_cores']} cores ({hardware['cpu'].split(' Processor')[0]}), Keras "
        f"{versions.get('keras', '?')}, TensorFlow {tensorflow}, {document['date']}"
    )
