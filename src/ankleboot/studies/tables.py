"""Tables of a study as rows of text, for page, docs and terminal."""

from typing import Any

from ankleboot.core.text import counted
from ankleboot.recipes import catalog
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ComparisonResult, StudyResults, Summary
from ankleboot.studies.sentences import verdict
from ankleboot.studies.study import IDENTITY, MIN_SEEDS, Study, Variant

Table = list[list[str]]


def numbers_table(results: StudyResults) -> Table:
    """Return a line per variant and a column per quantity that a variant has."""
    cells = {
        (summary.variant, summary.quantity): _number_cell(summary) for summary in results.summaries
    }
    keys = [key for key in results.study.columns if key in {quantity for _, quantity in cells}]
    head = ["variant", *(QUANTITIES[key].title for key in keys)]
    return [head, *([name, *(cells.get((name, k), "") for k in keys)] for name in results.variants)]


def _number_cell(summary: Summary) -> str:
    quantity, std = QUANTITIES[summary.quantity], summary.std
    mean = quantity.number(summary.mean)
    if std is None or not round(quantity.scale * std, quantity.digits):
        return mean
    return f"{mean} +- {quantity.number(std)}"


def tests_table(results: StudyResults) -> Table:
    """Return a line per comparison."""
    head = ["comparison", "in", "difference", "95 %, over runs", "over images", "p (Holm)", "so"]
    return [head, *(_test_line(result) for result in results.comparisons)]


def _test_line(result: ComparisonResult) -> list[str]:
    quantity = QUANTITIES[result.quantity]
    ranges = ["" if b is None else quantity.range(b) for b in (result.ci95, result.images_ci95)]
    return [
        f"{result.first} - {result.second}",
        quantity.words,
        quantity.difference(result.mean),
        *ranges,
        f"{result.p_adjusted:.2g}" if result.has_enough_runs else "",
        verdict(result),
    ]


def tests_note(results: StudyResults) -> str:
    """Return how the comparisons were tested."""
    if not results.comparisons:
        return "This study compares no variants by a test. It states what was measured."
    return (
        "A two-sided permutation test over the runs decides whether a difference counts. It needs "
        f"{MIN_SEEDS} or more runs a side. The p-values are adjusted for all comparisons of this "
        'table (Holm). "It would count alone" marks a difference that only the unadjusted test '
        "finds. The 95 % interval over runs holds the differences that the unadjusted test does "
        "not rule out. The interval over images resamples the images, in pairs."
    )


def steps_table(study: Study) -> Table:
    """Return what to try: what each command changes, and the command."""
    pairs = [step.partition("#") for step in study.next_steps]
    return [[words.strip(), command.strip()] for command, _, words in pairs]


def commands_table(results: StudyResults) -> dict[str, str]:
    """Return the command of every variant that ran, by its name."""
    study = results.study
    variants = study.quick if results.is_quick else study.variants
    return {v.name: command_of(v) for v in variants if v.name in results.variants}


def command_of(variant: Variant) -> str:
    """Return the command that trains a variant."""
    if variant.shipped:
        return 'the shipped model "pocket" (trained anew where the data are not its own)'
    pixels = "" if variant.pixels == IDENTITY else f"  (pixels {variant.pixels})"
    return catalog.command_of(variant.recipe) + pixels


def environment_line(document: dict[str, Any]) -> str:
    """Return data, duration, hardware, versions and date of a study."""
    hardware, versions, seeds = (document[key] for key in ("hardware", "versions", "seeds"))
    tensorflow = versions.get("tensorflow-cpu") or versions.get("tensorflow", "?")
    return (
        f"{document['data']['name']}, {counted(seeds, 'seed')}, "
        f"{document['seconds'] / 60:.1f} minutes "
        f"on {hardware['usable_cores']} cores ({hardware['cpu'].split(' Processor')[0]}), Keras "
        f"{versions.get('keras', '?')}, TensorFlow {tensorflow}, {document['date']}"
    )
