"""Sentences about comparisons: "better" and "worse" only where a test allows it."""

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

from ankleboot.core.text import counted
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ALPHA, ComparisonResult, StudyResults
from ankleboot.studies.study import MIN_SEEDS, Study

QUICK = "First impression, no claim: "
FEW = "Too few runs, no claim: "
"""Prefix of every sentence of a study whose runs allow no comparison."""
NO_INTERVAL = "no interval from so few runs"


def answer_sentences(results: StudyResults) -> tuple[str, ...]:
    """Return the study's answer, marked if the runs allow no claim."""
    is_few = not all(comparison.has_enough_runs for comparison in results.comparisons)
    mark = QUICK if results.is_quick else FEW if is_few else ""
    return tuple(mark + sentence for sentence in results.study.answer(results))


def describe_runs(study: Study, document: dict[str, Any]) -> tuple[str, str]:
    """State data, images and seeds of the full study, and those of the runs of a study.json."""
    full = _images(variant.recipe.train_size for variant in study.variants)
    own = _images(document["train_images"])
    return (
        f"Fashion-MNIST, {full}, {counted(study.seeds, 'seed')} for each variant",
        f"{document['data']['name']}, {own}, {counted(document['seeds'], 'seed')} for each variant",
    )


def _images(sizes: Iterable[int]) -> str:
    """State the numbers of training images, of which 0 stands for all, from fewest to most."""
    ordered = sorted(sizes, key=lambda size: size or inf)
    ends = [f"{size:,}" if size else "all" for size in (ordered[0], ordered[-1])]
    return f"{' to '.join(dict.fromkeys(ends))} training images"


def describe_differences(
    comparisons: Iterable[ComparisonResult], name: Callable[[str], str] = str
) -> str:
    """Describe comparisons in sentences; like ones share a sentence.

    `name` turns a variant into its name in the text, which is singular.
    """
    groups: dict[tuple[str, str, str], list[ComparisonResult]] = {}
    for result in comparisons:
        groups.setdefault((result.quantity, result.second, verdict(result)), []).append(result)
    sentences, previous = [], ""
    for (quantity, _, _), group in groups.items():
        text = _statement(group, name)
        lead = f"In {QUANTITIES[quantity].words}, " if quantity != previous else ""
        sentences.append(f"{lead}{text}." if lead else f"{text[:1].upper()}{text[1:]}.")
        previous = quantity
    return " ".join(sentences)


def _statement(group: Sequence[ComparisonResult], name: Callable[[str], str]) -> str:
    """State the outcome of comparisons with one variant; without capital and full stop."""
    example = group[0]
    quantity, first, second = (
        QUANTITIES[example.quantity],
        name(example.first),
        name(example.second),
    )
    if not example.has_enough_runs:
        each = [f"{quantity.difference(r.mean)} for {name(r.first)}" for r in group]
        return f"the difference to {second} is {join_and(each)}"
    if not example.is_found and len(group) == 1:
        return f"no difference was found between {first} and {second} ({_interval(example)})"
    if not example.is_found:
        each = [f"{name(result.first)} ({_interval(result)})" for result in group]
        return f"no difference to {second} was found for {join_and(each)}"
    if len(group) == 1:
        return f"{first} is {verdict(example)} than {second} by {_amount(example)}"
    each = [f"{name(result.first)} by {_amount(result)}" for result in group]
    return f"these are {verdict(example)} than {second}: {join_and(each)}"


def _interval(result: ComparisonResult) -> str:
    quantity = QUANTITIES[result.quantity]
    alone = "; it would count alone" if result.p_value < ALPHA <= result.p_adjusted else ""
    interval = f"95 % interval {quantity.range(result.ci95)}" if result.ci95 else NO_INTERVAL
    return f"{quantity.difference(result.mean)}, {interval}{alone}"


def _amount(result: ComparisonResult) -> str:
    """Return the size of a difference that was found, and its interval."""
    quantity = QUANTITIES[result.quantity]
    size = quantity.difference(abs(result.mean)).removeprefix("+")
    if result.ci95 is None:
        return f"{size} ({NO_INTERVAL})"
    low, high = sorted(map(abs, result.ci95))
    return f"{size} (95 % interval {quantity.range((low, high))})"


def join_and(words: Sequence[str]) -> str:
    """Join words as "one, two and three"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def join_each(names: Sequence[str], show: Callable[[str], str]) -> str:
    """Join what `show` returns for each name as "1 (one), 2 (two) and 3 (three)"."""
    return join_and([f"{show(name)} ({name})" for name in names])


def verdict(result: ComparisonResult) -> str:
    """Return the outcome of a comparison in a word or two."""
    if not result.has_enough_runs:
        return f"fewer than {MIN_SEEDS} runs"
    if not result.is_found:
        return "no difference found"
    if result.is_better is None:
        return "higher" if result.mean > 0 else "lower"
    return "better" if result.is_better else "worse"
