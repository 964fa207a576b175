"""Sentences that follow from numbers: "better" and "worse" only where a test allows it."""

from collections.abc import Sequence

from ankleboot.statistics import Interval
from ankleboot.studies.findings import SIGNIFICANT, Difference, Findings
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.study import FULL_SEEDS

QUICK = "Quick look, no claim: "
FEW = "Too few runs, no claim: "
"""Before every sentence of a study whose runs allow no comparison."""


def compared(difference: Difference, *, first: str = "", second: str = "") -> str:
    """What may be said of two variants; a clause without a full stop.

    Args:
        difference: Of the study's comparisons.
        first: What to call the first variant; its name by default.
        second: Likewise.
    """
    quantity = QUANTITIES[difference.quantity]
    a, b = first or difference.first, second or difference.second
    shown = quantity.difference(difference.mean)
    if not difference.has_enough_runs:
        return f"{a} against {b}: {shown} in {quantity.words}"
    p = f"p = {difference.p_adjusted:.2g} after Holm"
    figures = f"{shown}, {interval(difference.ci95, difference.quantity)}; {p}"
    if difference.is_found:
        if difference.is_better is None:
            word = "higher" if difference.mean > 0 else "lower"
            return f"{a} is {word} than {b} in {quantity.words} ({figures})"
        word = "better" if difference.is_better else "worse"
        return f"{a} is {word} than {b} in {quantity.words} ({figures})"
    alone = difference.p_value < SIGNIFICANT
    caution = "; alone it would count, among so many comparisons it may be chance" if alone else ""
    return f"no difference found between {a} and {b} in {quantity.words} ({figures}{caution})"


def interval(bounds: Interval | None, key: str) -> str:
    """The words for it: 95 % interval -0.10 to 0.25, in the unit of the quantity."""
    if bounds is None:
        return "no interval from so few runs"
    quantity = QUANTITIES[key]
    low, high = (quantity.number(value) for value in bounds)
    return f"95 % interval {low} to {high}"


def listed(words: Sequence[str]) -> str:
    """One, another and a third."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def joined(clauses: Sequence[str]) -> str:
    """Clauses as one sentence."""
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}."


def sentences(found: Findings) -> tuple[str, ...]:
    """The study's answer; marked where it is none."""
    words = found.study.answer(found)
    if found.is_quick:
        return tuple(QUICK + one for one in words)
    if not all(one.has_enough_runs for one in found.differences):
        return tuple(FEW + one for one in words)
    return words


def verdict(difference: Difference) -> str:
    """The difference in a word or two, for a table."""
    if not difference.has_enough_runs:
        return f"fewer than {FULL_SEEDS} runs"
    if not difference.is_found:
        return "no difference found"
    if difference.is_better is None:
        return "higher" if difference.mean > 0 else "lower"
    return "better" if difference.is_better else "worse"
