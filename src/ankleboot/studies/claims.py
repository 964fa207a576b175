"""Claims of plain answers about results; a sentence of an answer needs one for all it says."""

from contextlib import suppress

import numpy as np

from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import verdict
from ankleboot.studies.study import Claim, Study

NO_DIFFERENCE = "no difference found"

Bound = float | int


def unsupported_claims(study: Study, results: StudyResults) -> tuple[str, ...]:
    """Return the claims of the plain answer that the results do not support, in words."""
    claims = study.plain.claims if study.plain else ()
    return tuple(claim.words for claim in claims if not _holds(claim, results))


def _holds(claim: Claim, results: StudyResults) -> bool:
    """Check a claim; one about numbers that the results lack does not hold."""
    with suppress(IndexError, KeyError, ValueError):
        return claim.holds(results)
    return False


def outcome(expected: str, first: str, second: str, quantity: str = "accuracy") -> Claim:
    """Claim the outcome of a test of the study: "better", "worse", "higher" or `NO_DIFFERENCE`."""

    def holds(results: StudyResults) -> bool:
        pairs = {(c.first, c.second): c for c in results.comparisons_in(quantity)}
        return verdict(pairs[first, second]) == expected

    return Claim(f"{first} - {second}, {QUANTITIES[quantity].words}: {expected}", holds)


def mean_between(variant: str, key: str, low: Bound, high: Bound) -> Claim:
    """Claim bounds of the mean over the runs."""

    def holds(results: StudyResults) -> bool:
        return low < _mean(results, variant, key) < high

    return Claim(f"{variant}: mean {key} between {low:g} and {high:g}", holds)


def difference_between(first: str, second: str, key: str, low: Bound, high: Bound) -> Claim:
    """Claim bounds of the difference of the means."""

    def holds(results: StudyResults) -> bool:
        return low < _mean(results, first, key) - _mean(results, second, key) < high

    return Claim(f"{first} - {second}: mean {key} between {low:g} and {high:g}", holds)


def ratio_between(first: str, second: str, key: str, low: Bound, high: Bound) -> Claim:
    """Claim bounds of the ratio of the means."""

    def holds(results: StudyResults) -> bool:
        return low < _mean(results, first, key) / _mean(results, second, key) < high

    return Claim(f"{first} / {second}: mean {key} between {low:g} and {high:g}", holds)


def always_above(first: str, second: str, key: str) -> Claim:
    """Claim that every run of the first is above every run of the second."""

    def holds(results: StudyResults) -> bool:
        return min(results.values(first, key)) > max(results.values(second, key))

    return Claim(f"{key}: every run of {first} above every run of {second}", holds)


def leads_throughout(first: str, second: str, key: str) -> Claim:
    """Claim that a series of numbers is above that of the other at every point, on average."""

    def holds(results: StudyResults) -> bool:
        own, other = (results.series(name, key).mean(axis=0) for name in (first, second))
        return bool((own > other).all())

    return Claim(f"{key}: {first} above {second} at every point", holds)


def trained_with(variant: str, **settings: object) -> Claim:
    """Claim settings of the recipe that a variant's runs trained."""

    def holds(results: StudyResults) -> bool:
        recipes = [row["recipe"] for row in results.rows if row["variant"] == variant]
        return bool(recipes) and all(settings.items() <= recipe.items() for recipe in recipes)

    return Claim(f"{variant} trained with {_settings(settings)}", holds)


def changes(variant: str, start: str, *fields: str) -> Claim:
    """Claim that the recipes of two variants differ in these fields and no others."""

    def holds(results: StudyResults) -> bool:
        first, second = _recipe(results, variant), _recipe(results, start)
        return {key for key in first if first[key] != second[key]} == set(fields)

    return Claim(f"{variant} changes {', '.join(fields)} of {start}", holds)


def _mean(results: StudyResults, variant: str, key: str) -> float:
    values = results.values(variant, key)
    if not values:
        raise KeyError(variant, key)
    return float(np.mean(values))


def _recipe(results: StudyResults, variant: str) -> dict[str, object]:
    """Return the recipe of a variant's first run, without seed."""
    recipes = [row["recipe"] for row in results.rows if row["variant"] == variant]
    return {key: value for key, value in recipes[0].items() if key != "seed"}


def _settings(settings: dict[str, object]) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.items())
