"""Sentences: what may be claimed of numbers."""

from typing import Any

import pytest

from ankleboot.studies.results import StudyResults, summarize
from ankleboot.studies.sentences import FEW, QUICK, answer_sentences, describe_differences, join_and
from ankleboot.studies.study import get_study
from helpers.studies import TOY, pooling_rows, row


def table(one: list[float], two: list[float], **more: Any) -> StudyResults:
    rows = [row("one", seed, value) for seed, value in enumerate(one)]
    rows += [row("two", seed, value) for seed, value in enumerate(two)]
    return summarize(TOY, rows, **({"is_quick": False} | more))


LOW, HIGH = [0.80, 0.81, 0.82, 0.805, 0.815], [0.90, 0.91, 0.92, 0.905, 0.915]


def test_clear_difference_is_better_or_worse() -> None:
    better, worse = table(HIGH, LOW), table(LOW, HIGH)
    said = answer_sentences(better)[0]
    assert said.startswith("One (+10.00 points, 95 % interval ")
    assert said.endswith(") is better than two in validation accuracy.")
    assert better.comparisons_in("accuracy")[0].p_adjusted == pytest.approx(2 / 126)
    assert answer_sentences(worse)[0].endswith(" is worse than two in validation accuracy.")
    assert worse.comparisons_in("accuracy")[0].is_better is False


def test_overlapping_runs_show_no_difference() -> None:
    said = answer_sentences(table(LOW, [value + 0.001 for value in LOW]))[0]
    assert said.startswith("No difference found between two and one (-0.10 points, 95 % interval")
    assert "interval" in said and "better" not in said and "worse" not in said


@pytest.mark.parametrize("num", [1, 2, 4])
def test_few_runs_claim_nothing(num: int) -> None:
    found = table(HIGH[:num], LOW[:num])
    assert not found.comparisons_in("accuracy")[0].is_found
    for said in answer_sentences(found):
        assert said.startswith(FEW) and "better" not in said
    quick = table(HIGH[:num], LOW[:num], is_quick=True)
    assert all(said.startswith(QUICK) for said in answer_sentences(quick))


def test_less_is_better_for_errors() -> None:
    rows = [row("one", seed, 0.9, 0.01 + seed / 1e4) for seed in range(5)]
    rows += [row("two", seed, 0.9, 0.05 + seed / 1e4) for seed in range(5)]
    found = summarize(TOY, rows, is_quick=False)
    said = answer_sentences(found)[1]
    assert said.startswith("One (-4.00 points") and "is better than two in calibration" in said


def test_like_comparisons_share_a_clause() -> None:
    found = summarize(get_study("pooling"), pooling_rows(5), is_quick=False)
    clauses = describe_differences(found.comparisons_in("accuracy"), str.upper)
    assert len(clauses) == 2
    assert clauses[0].startswith("AVERAGE (-1.00 points") and " and NONE (-2.00" in clauses[0]
    assert clauses[0].endswith("are worse than MAX in validation accuracy")


def test_words_are_joined_with_commas_and_and() -> None:
    assert join_and(["a"]) == "a"
    assert join_and(["a", "b"]) == "a and b"
    assert join_and(["a", "b", "c"]) == "a, b and c"
