"""Sentences about comparisons: "better" and "worse" only where a test allows it."""

from collections.abc import Callable, Iterable, Sequence

from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ALPHA, ComparisonResult, StudyResults
from ankleboot.studies.study import MIN_SEEDS

QUICK = "Quick look, no claim: "
FEW = "Too few runs, no claim: "
"""Prefix of every sentence of a study whose runs allow no comparison."""
NO_INTERVAL = "no interval from so few runs"


def answer_sentences(results: StudyResults) -> tuple[str, ...]:
    """Return the study's answer, marked if the runs allow no claim."""
    is_few = not all(comparison.has_enough_runs for comparison in results.comparisons)
    mark = QUICK if results.is_quick else FEW if is_few else ""
    return tuple(mark + sentence for sentence in results.study.answer(results))


def describe_differences(
    comparisons: Iterable[ComparisonResult], name: Callable[[str], str] = str
) -> list[str]:
    """Describe comparisons in clauses without a full stop; like ones share a clause.

    `name` turns a variant into its name in the text.
    """
    groups: dict[tuple[str, str, str], list[ComparisonResult]] = {}
    for result in comparisons:
        groups.setdefault((result.quantity, result.second, verdict(result)), []).append(result)
    return [_clause(group, name) for group in groups.values()]


def _clause(group: Sequence[ComparisonResult], name: Callable[[str], str]) -> str:
    example = group[0]
    words, second = QUANTITIES[example.quantity].words, name(example.second)
    firsts = join_and([f"{name(result.first)} ({_figures(result)})" for result in group])
    if not example.has_enough_runs:
        return f"{firsts} against {second} in {words}"
    if not example.is_found:
        return f"no difference found between {second} and {firsts} in {words}"
    verb = "is" if len(group) == 1 else "are"
    return f"{firsts} {verb} {verdict(example)} than {second} in {words}"


def _figures(result: ComparisonResult) -> str:
    quantity = QUANTITIES[result.quantity]
    difference = quantity.difference(result.mean)
    if not result.has_enough_runs:
        return difference
    caution = ", though alone it would count" if result.p_value < ALPHA <= result.p_adjusted else ""
    interval = f"95 % interval {quantity.range(result.ci95)}" if result.ci95 else NO_INTERVAL
    return f"{difference}, {interval}{caution}"


def join_and(words: Sequence[str]) -> str:
    """Join words as "one, two and three"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def join_each(names: Sequence[str], show: Callable[[str], str]) -> str:
    """Join what `show` returns for each name as "1 (one), 2 (two) and 3 (three)"."""
    return join_and([f"{show(name)} ({name})" for name in names])


def join_clauses(*clauses: str) -> str:
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
