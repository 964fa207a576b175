"""Results: tests, intervals, JSON."""

import json
from typing import Any

import pytest

from ankleboot.studies.results import StudyResults, summarize
from ankleboot.studies.sentences import answer_sentences
from helpers.studies import TOY, row


def table(one: list[float], two: list[float], **more: Any) -> StudyResults:
    rows = [row("one", seed, value) for seed, value in enumerate(one)]
    rows += [row("two", seed, value) for seed, value in enumerate(two)]
    return summarize(TOY, rows, **({"is_quick": False} | more))


LOW, HIGH = [0.80, 0.81, 0.82, 0.805, 0.815], [0.90, 0.91, 0.92, 0.905, 0.915]


def test_p_values_are_adjusted_for_all_comparisons() -> None:
    """The least p-value of five against five is 2 in 252; Holm doubles the smaller of two."""
    first = table(HIGH, LOW).comparisons_in("accuracy")[0]
    assert first.p_value == pytest.approx(2 / 252) and first.p_adjusted == pytest.approx(4 / 252)


def test_images_are_paired_in_the_interval_over_images() -> None:
    """Networks that are right on the same images differ by nothing over images."""
    found = table([0.8] * 5, [0.8] * 5).comparisons_in("accuracy")[0]
    assert found.images_ci95 == (0, 0)


def test_results_survive_a_round_trip_through_json() -> None:
    found = table(HIGH, LOW)
    again = StudyResults.from_json(json.loads(json.dumps(found.to_json())), TOY)
    assert again.comparisons == found.comparisons and again.summaries == found.summaries
    assert answer_sentences(again) == answer_sentences(found)


def test_diverged_run_is_left_out() -> None:
    rows = [row("one", 0, 0.9), {**row("one", 1, 0.9), "measures": {}, "diverged": True}]
    found = summarize(TOY, rows, is_quick=False)
    assert found.values("one", "accuracy") == [0.9]
