"""Sentences: what may be claimed of numbers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ankleboot.studies.results import MIN_COMPARED_SECONDS, StudyResults, summarize
from ankleboot.studies.sentences import (
    FEW,
    QUICK,
    answer_sentences,
    describe_differences,
    describe_runs,
    join_and,
)
from ankleboot.studies.study import Row, get_study
from helpers.studies import TOY, pooling_rows, row

RESULTS = Path(__file__).parents[2] / "benchmarks/results/studies"


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


def lasting(seconds: float, rows: list[Row]) -> list[Row]:
    return [{**row, "measures": row["measures"] | {"train_seconds": seconds}} for row in rows]


def test_trainings_of_seconds_are_not_compared_by_their_time_in_a_quick_run() -> None:
    study, rows = get_study("pooling"), pooling_rows(1)
    short = summarize(study, lasting(MIN_COMPARED_SECONDS - 0.1, rows), is_quick=True)
    said = study.answer(short)[2]
    assert "times as long" not in said and "Without pooling, the maps take 1.0 times the" in said
    for seconds, is_quick in ((MIN_COMPARED_SECONDS, True), (0.1, False)):
        results = summarize(study, lasting(seconds, rows), is_quick=is_quick)
        said = study.answer(results)[2]
        assert "training takes 1.0 times as long as with max pooling, and the maps" in said


def test_the_ladder_compares_no_time_of_short_trainings_either() -> None:
    study = get_study("ladder")
    names = ("plain", "all together")
    rows = [{**row(name, 0, 0.9), "study": "ladder", "recipe": {"epochs": 1}} for name in names]
    for found in rows:
        found["measures"].update(train_seconds=2.0, parameters=1_000)
    said = study.answer(summarize(study, rows, is_quick=True))
    assert "reaches 90.00 % with 1.0 times the parameters." in " ".join(said)
    assert "1.0 times the seconds and" in " ".join(
        study.answer(summarize(study, rows, is_quick=False))
    )


def test_the_shortest_time_that_is_compared_is_mostly_training() -> None:
    """The untrained network learns for one step: its seconds are those of start and end."""
    stored = json.loads((RESULTS / "filters.json").read_text())
    start = [
        found["measures"]["train_seconds"]
        for found in stored["rows"]
        if found["variant"] == "untrained"
    ]
    assert 0.8 <= min(start) and max(start) < 1.3
    assert max(start) <= MIN_COMPARED_SECONDS / 8


def test_full_study_and_quick_run_are_told_apart_by_data_images_and_seeds() -> None:
    document = {"data": {"name": "sample"}, "train_images": [1_000, 1_600], "seeds": 1}
    full, quick = describe_runs(get_study("pooling"), document)
    assert full == "Fashion-MNIST, all training images, 5 seeds for each variant"
    assert quick == "sample, 1,000 to 1,600 training images, 1 seed for each variant"
    full, _ = describe_runs(get_study("overfitting"), document)
    assert " to all training images, 6 seeds" in full


def test_words_are_joined_with_commas_and_and() -> None:
    assert join_and(["a"]) == "a"
    assert join_and(["a", "b"]) == "a and b"
    assert join_and(["a", "b", "c"]) == "a, b and c"
