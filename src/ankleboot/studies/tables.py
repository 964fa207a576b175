"""A study's numbers as rows of text, for the page, the docs and the terminal alike."""

from typing import Any

from ankleboot.recipes.catalog import RECIPES, overrides_of
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ComparisonResult, StudyResults
from ankleboot.studies.sentences import verdict
from ankleboot.studies.study import FULL_SEEDS, IDENTITY, Variant

Table = list[list[str]]

TESTS_NOTE = (
    f"Two-sided permutation tests over the runs ({FULL_SEEDS} or more a side, else nothing is "
    "claimed), p-values adjusted for all comparisons of this table (Holm). The interval over runs "
    "holds the differences that the test alone does not rule out; the one over images is paired: "
    "the same images, resampled."
)
NO_TESTS_NOTE = "Nothing is compared over runs here: the sentences state what was measured."


def numbers(found: StudyResults) -> Table:
    """A line per variant, a column per quantity that any of them has."""
    keys = [
        key for key in found.study.columns if any(one.quantity == key for one in found.summaries)
    ]
    head = ["variant", *(QUANTITIES[key].title for key in keys)]
    cells = {(one.variant, one.quantity): one for one in found.summaries}
    lines = []
    for name in found.variants:
        line = [name]
        for key in keys:
            one, quantity = cells.get((name, key)), QUANTITIES[key]
            if one is None:
                line.append("")
            elif one.std is None or not round(quantity.scale * one.std, quantity.digits):
                line.append(quantity.number(one.mean))
            else:
                line.append(f"{quantity.number(one.mean)} +- {quantity.number(one.std)}")
        lines.append(line)
    return [head, *lines]


def tests(found: StudyResults) -> Table:
    """A line per comparison."""
    head = ["comparison", "in", "difference", "95 %, over runs", "over images", "p (Holm)", "so"]
    return [head, *(_test(one) for one in found.differences)]


def _test(one: ComparisonResult) -> list[str]:
    quantity = QUANTITIES[one.quantity]
    ranges = [
        "" if bounds is None else f"{quantity.number(bounds[0])} to {quantity.number(bounds[1])}"
        for bounds in (one.ci95, one.images_ci95)
    ]
    p = f"{one.p_adjusted:.2g}" if one.has_enough_runs else ""
    name = f"{one.first} - {one.second}"
    return [name, quantity.words, quantity.difference(one.mean), *ranges, p, verdict(one)]


def command_of(variant: Variant) -> str:
    """The command that trains a variant."""
    if variant.shipped:
        return "the shipped model (trained anew where the data are not its own)"
    recipe = variant.recipe
    settings = " ".join(f"--set {one}" for one in overrides_of(recipe))
    name = recipe.name if recipe.name in RECIPES else "plain"
    treated = "" if variant.pixels == IDENTITY else f"  (pixels {variant.pixels})"
    return f"ankleboot train {name} {settings}".strip() + treated


def environment_line(document: dict[str, Any]) -> str:
    """Where and when it was measured."""
    hardware = document["hardware"]
    versions = document["versions"]
    tensorflow = versions.get("tensorflow-cpu") or versions.get("tensorflow", "?")
    return (
        f"{document['data']['name']}, {document['seeds']} "
        f"{'seed' if document['seeds'] == 1 else 'seeds'}, {document['seconds'] / 60:.1f} minutes "
        f"on {hardware['usable_cores']} cores ({hardware['cpu'].split(' Processor')[0]}), Keras "
        f"{versions.get('keras', '?')}, TensorFlow {tensorflow}, {document['date']}"
    )
