"""Sentences about comparisons: "better" and "worse" only where a test allows it."""

from collections.abc import Callable, Iterable, Sequence

from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ALPHA, ComparisonResult, StudyResults
from ankleboot.studies.study import MIN_SEEDS

QUICK = "Quick look, no claim: "
FEW = "Too few runs, no claim: "
"""Prefix of every sentence of a study whose runs allow no comparison."""


def answer_sentences(results: StudyResults) -> tuple[str, ...]:
    """Return the study's answer, marked if the runs allow no claim."""
    answer = results.study.answer(results)
    if results.is_quick:
        return tuple(QUICK + sentence for sentence in answer)
    if not all(comparison.has_enough_runs for comparison in results.comparisons):
        return tuple(FEW + sentence for sentence in answer)
    return answer


def describe_differences(
    comparisons: Iterable[ComparisonResult], name: Callable[[str], str] = lambda variant: variant
) -> list[str]:
    """Describe comparisons in clauses without a full stop; like ones share a clause.

    Args:
        comparisons: Comparisons of the study.
        name: Function from a variant to its name in the text.
    """
    groups: dict[tuple[str, str, str], list[ComparisonResult]] = {}
    for result in comparisons:
        groups.setdefault((result.quantity, result.second, verdict(result)), []).append(result)
    return [_clause(group, name) for group in groups.values()]


def describe_difference(comparison: ComparisonResult) -> str:
    """Describe one comparison as `describe_differences` does."""
    return describe_differences([comparison])[0]


def _clause(group: Sequence[ComparisonResult], name: Callable[[str], str]) -> str:
    example = group[0]
    quantity, second = QUANTITIES[example.quantity], name(example.second)
    firsts = join_and([f"{name(result.first)} ({_figures(result)})" for result in group])
    if not example.has_enough_runs:
        return f"{firsts} against {second} in {quantity.words}"
    if not example.is_found:
        return f"no difference found between {second} and {firsts} in {quantity.words}"
    verb = "is" if len(group) == 1 else "are"
    return f"{firsts} {verb} {verdict(example)} than {second} in {quantity.words}"


def _figures(result: ComparisonResult) -> str:
    quantity = QUANTITIES[result.quantity]
    difference = quantity.difference(result.mean)
    if not result.has_enough_runs:
        return difference
    caution = ", though alone it would count" if result.p_value < ALPHA <= result.p_adjusted else ""
    if result.ci95 is None:
        return f"{difference}, no interval from so few runs{caution}"
    return f"{difference}, 95 % interval {quantity.range(result.ci95)}{caution}"


def join_and(words: Sequence[str]) -> str:
    """Join words as "one, two and three"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def join_clauses(clauses: Sequence[str]) -> str:
    """Join clauses to one sentence."""
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}."


def verdict(result: ComparisonResult) -> str:
    """Return the outcome of a comparison in a word or two."""
    if not result.has_enough_runs:
        return f"fewer than {MIN_SEEDS} runs"
    if not result.is_found:
        return "no difference found"
    if result.is_better is None:
        return "higher" if result.mean > 0 else "lower"
    return "better" if result.is_better else "worse"
