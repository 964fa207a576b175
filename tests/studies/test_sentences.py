"""Sentences: what may be claimed of numbers."""

import re
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
    assert said.startswith("In validation accuracy, one is better than two by 10.00 points (95 % ")
    assert better.comparisons_in("accuracy")[0].p_adjusted == pytest.approx(2 / 126)
    said = answer_sentences(worse)[0]
    assert said.startswith("In validation accuracy, one is worse than two by 10.00 points (95 % ")
    low, high = re.findall(r"(\d+\.\d+)", said)[1:]
    assert 0 < float(low) < 10 < float(high)
    assert worse.comparisons_in("accuracy")[0].is_better is False


def test_overlapping_runs_show_no_difference() -> None:
    said = answer_sentences(table(LOW, [value + 0.001 for value in LOW]))[0]
    assert said.startswith(
        "In validation accuracy, no difference was found between one and two (-0.10 points, 95 % "
    )
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
    assert said.startswith("In calibration error, one is better than two by 4.00 points (95 % ")


def test_like_comparisons_share_a_sentence() -> None:
    found = summarize(get_study("pooling"), pooling_rows(5), is_quick=False)
    text = describe_differences(found.comparisons_in("accuracy"), str.upper)
    first, second = text.split(". No ")
    assert first.startswith("In validation accuracy, these are worse than MAX: AVERAGE by 1.00 ")
    assert ") and NONE by 2.00 points (95 % interval " in first
    assert second.startswith("difference was found between STRIDED and MAX (+0.01 points, 95 % ")


def test_few_runs_are_described_by_their_difference() -> None:
    found = summarize(get_study("pooling"), pooling_rows(1), is_quick=True)
    text = describe_differences(found.comparisons_in("accuracy"))
    assert text == (
        "In validation accuracy, the difference to max is -1.00 points for average, +0.01 points "
        "for strided and -2.00 points for none."
    )


def test_words_are_joined_with_commas_and_and() -> None:
    assert join_and(["a"]) == "a"
    assert join_and(["a", "b"]) == "a and b"
    assert join_and(["a", "b", "c"]) == "a, b and c"
