"""Plain answers: short, and supported by the stored results."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ankleboot.core import plugins
from ankleboot.studies.claims import (
    NO_DIFFERENCE,
    always_above,
    changes,
    difference_between,
    leads_throughout,
    mean_between,
    outcome,
    ratio_between,
    trained_with,
    unsupported_claims,
)
from ankleboot.studies.results import StudyResults, summarize
from ankleboot.studies.study import Claim, Study, get_study
from helpers.studies import TOY, row

RESULTS = Path(__file__).parents[2] / "benchmarks/results/studies"
STUDIES = [get_study(name) for name in plugins.BUILT_IN["studies"]]
CONDITIONS = {"convolutions", "pooling", "normalization", "overfitting", "ladder"}
"""Studies whose answer depends on the length of the training."""


def stored(study: Study) -> StudyResults:
    return StudyResults.from_json(json.loads((RESULTS / f"{study.name}.json").read_text()), study)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_the_stored_results_support_the_plain_answer(study: Study) -> None:
    assert unsupported_claims(study, stored(study)) == ()


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_plain_answer_is_short(study: Study) -> None:
    assert study.plain is not None
    assert 1 <= len(study.plain.sentences) <= 3
    for text in (*study.plain.sentences, *study.plain.caveats, study.plain.caption):
        assert text.endswith(".")
        for sentence in re.split(r"(?<=[.:;]) ", text):
            assert len(sentence.split()) <= 25, sentence
    assert study.plain.figure < len(study.charts(stored(study)))


@pytest.mark.parametrize("name", sorted(CONDITIONS))
def test_length_of_the_training_stands_in_the_answer(name: str) -> None:
    plain = get_study(name).plain
    assert plain and re.search(r"\b(three|four|twelve|20) passes\b", " ".join(plain.sentences))


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_each_step_says_what_it_changes(study: Study) -> None:
    assert all(re.fullmatch(r"ankleboot [^#]+  # \S.+", step) for step in study.next_steps)


LOW, HIGH = [0.80, 0.81, 0.82, 0.805, 0.815], [0.90, 0.91, 0.92, 0.905, 0.915]


@pytest.fixture(scope="module")
def toy() -> StudyResults:
    rows = [
        {
            **row(name, seed, value),
            "recipe": {"epochs": 3, "flip": name == "one", "seed": seed},
            "measures": {"accuracy": value, "ece": 0.02, "series": [value, value + 0.01]},
        }
        for name, values in (("one", HIGH), ("two", LOW))
        for seed, value in enumerate(values)
    ]
    return summarize(TOY, rows, is_quick=False)


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        (outcome("better", "one", "two"), outcome("worse", "one", "two")),
        (outcome(NO_DIFFERENCE, "one", "two", "ece"), outcome(NO_DIFFERENCE, "one", "two")),
        (outcome("better", "one", "two"), outcome("better", "two", "one")),
        (mean_between("one", "accuracy", 0.90, 0.92), mean_between("one", "accuracy", 0.8, 0.9)),
        (
            difference_between("one", "two", "accuracy", 0.09, 0.11),
            difference_between("two", "one", "accuracy", 0.09, 0.11),
        ),
        (
            ratio_between("one", "two", "accuracy", 1.1, 1.2),
            ratio_between("two", "one", "accuracy", 1.1, 1.2),
        ),
        (always_above("one", "two", "accuracy"), always_above("two", "one", "accuracy")),
        (leads_throughout("one", "two", "series"), leads_throughout("two", "one", "series")),
        (trained_with("one", epochs=3, flip=True), trained_with("two", epochs=3, flip=True)),
        (changes("one", "two", "flip"), changes("one", "two", "flip", "epochs")),
        (changes("one", "one"), changes("one", "two")),
        (mean_between("one", "accuracy", 0, 1), mean_between("three", "accuracy", 0, 1)),
        (trained_with("two", epochs=3), trained_with("three", epochs=3)),
    ],
)
def test_claims_hold_and_fail(toy: StudyResults, holds: Claim, fails: Claim) -> None:
    plain = STUDIES[0].plain
    assert plain is not None
    study = replace(TOY, plain=replace(plain, claims=(holds, fails)))
    assert unsupported_claims(study, toy) == (fails.words,)


def test_a_study_without_plain_answer_claims_nothing(toy: StudyResults) -> None:
    assert unsupported_claims(TOY, toy) == ()
