"""Sentences that follow from numbers: "better" and "worse" only where a test allows it.

Tests and their p-values are in the tables; sentences have differences with their intervals.
"""

from collections.abc import Callable, Iterable, Sequence

from ankleboot.evaluation.statistics import Interval
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ALPHA, ComparisonResult, StudyResults
from ankleboot.studies.study import FULL_SEEDS

QUICK = "Quick look, no claim: "
FEW = "Too few runs, no claim: "
"""Before every sentence of a study whose runs allow no comparison."""


def describe_differences(
    differences: Iterable[ComparisonResult], name: Callable[[str], str] = lambda one: one
) -> list[str]:
    """What may be said of some comparisons, like ones together; clauses without a full stop.

    Args:
        differences: Of the study's comparisons.
        name: What to call a variant.
    """
    groups: dict[tuple[str, str, str], list[ComparisonResult]] = {}
    for one in differences:
        groups.setdefault((one.quantity, one.second, verdict(one)), []).append(one)
    return [_clause(group, name) for group in groups.values()]


def describe_difference(difference: ComparisonResult) -> str:
    """As `told`, of one comparison."""
    return describe_differences([difference])[0]


def _clause(group: Sequence[ComparisonResult], name: Callable[[str], str]) -> str:
    one = group[0]
    quantity, second = QUANTITIES[one.quantity], name(one.second)
    firsts = join_and([f"{name(each.first)} ({_figures(each)})" for each in group])
    if not one.has_enough_runs:
        return f"{firsts} against {second} in {quantity.words}"
    if not one.is_found:
        return f"no difference found between {second} and {firsts} in {quantity.words}"
    are = "is" if len(group) == 1 else "are"
    return f"{firsts} {are} {verdict(one)} than {second} in {quantity.words}"


def _figures(difference: ComparisonResult) -> str:
    quantity = QUANTITIES[difference.quantity]
    shown = quantity.difference(difference.mean)
    if not difference.has_enough_runs:
        return shown
    is_lonely = difference.p_value < ALPHA and not difference.is_found
    caution = ", though alone it would count" if is_lonely else ""
    bounds = interval(difference.ci95, difference.quantity)
    return f"{shown}, {bounds}{caution}"


def interval(bounds: Interval | None, key: str) -> str:
    """The words for it: 95 % interval -0.10 to 0.25, in the unit of the quantity."""
    if bounds is None:
        return "no interval from so few runs"
    quantity = QUANTITIES[key]
    low, high = (quantity.number(value) for value in bounds)
    return f"95 % interval {low} to {high}"


def join_and(words: Sequence[str]) -> str:
    """One, another and a third."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def join_clauses(clauses: Sequence[str]) -> str:
    """Clauses as one sentence."""
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}."


def sentences(found: StudyResults) -> tuple[str, ...]:
    """The study's answer; marked where it is none."""
    words = found.study.answer(found)
    if found.is_quick:
        return tuple(QUICK + one for one in words)
    if not all(one.has_enough_runs for one in found.differences):
        return tuple(FEW + one for one in words)
    return words


def verdict(difference: ComparisonResult) -> str:
    """The difference in a word or two, for a table."""
    if not difference.has_enough_runs:
        return f"fewer than {FULL_SEEDS} runs"
    if not difference.is_found:
        return "no difference found"
    if difference.is_better is None:
        return "higher" if difference.mean > 0 else "lower"
    return "better" if difference.is_better else "worse"
