"""The studies' machinery: what is run again, what may be said of numbers, what pages hold."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.cli.main import run as ankleboot
from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.files import file_lock
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.plots.studies import spread
from ankleboot.evaluation.statistics import min_p_value
from ankleboot.recipes.catalog import RECIPES, get_recipe
from ankleboot.recipes.recipe import override
from ankleboot.studies import results, sentences
from ankleboot.studies.catalog import STUDIES
from ankleboot.studies.catalog import get_study as find_study
from ankleboot.studies.measures.catalog import MEASURES
from ankleboot.studies.packing import packed, unpacked
from ankleboot.studies.page import markdown, write_page
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ALPHA, StudyResults
from ankleboot.studies.runner import run_key, run_study
from ankleboot.studies.stored_answers import answers, format_answer
from ankleboot.studies.study import FULL_SEEDS, Comparison, Job, Row, Study, Variant, jobs
from helpers.images import TINY

NAMES = ("convolutions", "filters", "pooling", "normalisation", "softmax", "overfitting")


def test_there_is_a_study_for_every_question_in_their_order() -> None:
    assert tuple(STUDIES) == (*NAMES, "confusion", "ladder")
    with pytest.raises(UsageError, match="unknown study 'pool'; valid: convolutions, filters"):
        find_study("pool")


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda one: one.name)
def test_a_study_is_sound(study: Study) -> None:
    for variants in (study.variants, study.quick):
        names = [one.name for one in variants]
        assert len(set(names)) == len(names)
    names = [one.name for one in study.variants]
    for versus in study.comparisons:
        assert {versus.first, versus.second} <= set(names)
        assert versus.quantity in QUANTITIES
    assert set(study.columns) <= set(QUANTITIES)
    assert {*study.measures, *(m for v in study.variants for m in v.measures)} <= set(MEASURES)
    assert "answers" in study.measures
    assert {one.name for one in study.quick} <= set(names)


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda one: one.name)
def test_a_full_study_has_the_runs_to_find_what_it_looks_for(study: Study) -> None:
    """A permutation test of few runs has a smallest p-value; Holm multiplies it."""
    if study.comparisons:
        assert study.seeds >= FULL_SEEDS
        assert min_p_value(study.seeds, study.seeds) * len(study.comparisons) < ALPHA


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda one: one.name)
def test_what_to_try_next_can_be_typed(study: Study) -> None:
    for line in study.next_steps:
        program, command, *rest = shlex.split(line, comments=True)
        assert program == "ankleboot"
        if command == "train":
            settings = dict(one.split("=") for one in rest[2::2])
            assert set(rest[1::2]) <= {"--set"}
            override(get_recipe(rest[0]), settings)
        else:
            assert command in ("compare", "data", "evaluate", "explain", "export", "report")


def test_recipes_of_variants_are_differences_from_named_ones() -> None:
    named = {one.recipe.name for study in STUDIES.values() for one in study.variants}
    assert named <= set(RECIPES)


# Numbers to words

TOY = Study(
    name="toy",
    question="Is one better?",
    hypothesis="Yes.",
    variants=(Variant(name="one", recipe=TINY), Variant(name="two", recipe=TINY)),
    quick=(Variant(name="one", recipe=TINY), Variant(name="two", recipe=TINY)),
    measures=("answers",),
    comparisons=(Comparison("accuracy", "one", "two"), Comparison("ece", "one", "two")),
    columns=("accuracy", "ece"),
    answer=lambda found: (
        sentences.join_clauses(
            [sentences.describe_difference(found.difference("accuracy", "one", "two"))]
        ),
        sentences.join_clauses(
            [sentences.describe_difference(found.difference("ece", "one", "two"))]
        ),
        "That is all.",
    ),
    charts=lambda found: (),
    next_steps=("ankleboot train plain",),
    minutes=1.0,
)


def row(variant: str, seed: int, accuracy: float, ece: float = 0.02) -> Row:
    right = np.random.default_rng(seed).random(400) < accuracy
    return {
        "study": "toy",
        "variant": variant,
        "seed": seed,
        "seconds": 1.0,
        "diverged": False,
        "measures": {"accuracy": accuracy, "ece": ece},
        "answers": packed(right),
    }


def table(one: list[float], two: list[float], **more: Any) -> StudyResults:
    rows = [row("one", seed, value) for seed, value in enumerate(one)]
    rows += [row("two", seed, value) for seed, value in enumerate(two)]
    return results.summarise(TOY, rows, **({"is_quick": False} | more))


LOW, HIGH = [0.80, 0.81, 0.82, 0.805, 0.815], [0.90, 0.91, 0.92, 0.905, 0.915]


def test_a_clear_difference_is_called_better_or_worse() -> None:
    better, worse = table(HIGH, LOW), table(LOW, HIGH)
    said = sentences.sentences(better)[0]
    assert said.startswith("One (+10.00 points, 95 % interval ")
    assert said.endswith(") is better than two in validation accuracy.")
    assert better.difference("accuracy", "one", "two").p_adjusted == pytest.approx(2 / 126)
    assert sentences.sentences(worse)[0].endswith(" is worse than two in validation accuracy.")
    assert worse.difference("accuracy", "one", "two").is_better is False


def test_overlapping_runs_are_no_difference() -> None:
    said = sentences.sentences(table(LOW, [value + 0.001 for value in LOW]))[0]
    assert said.startswith("No difference found between two and one (-0.10 points, 95 % interval")
    assert "interval" in said and "better" not in said and "worse" not in said


@pytest.mark.parametrize("num", [1, 2, 4])
def test_few_runs_claim_nothing_however_far_apart(num: int) -> None:
    found = table(HIGH[:num], LOW[:num])
    assert not found.difference("accuracy", "one", "two").is_found
    for said in sentences.sentences(found):
        assert said.startswith(sentences.FEW) and "better" not in said
    quick = table(HIGH[:num], LOW[:num], is_quick=True)
    assert all(said.startswith(sentences.QUICK) for said in sentences.sentences(quick))


def test_several_comparisons_pay_for_each_other() -> None:
    """The least p-value of five against five is 2 in 252; Holm doubles the smaller of two."""
    first = table(HIGH, LOW).difference("accuracy", "one", "two")
    assert first.p_value == pytest.approx(2 / 252) and first.p_adjusted == pytest.approx(4 / 252)


def test_less_is_better_where_the_quantity_says_so() -> None:
    rows = [row("one", seed, 0.9, 0.01 + seed / 1e4) for seed in range(5)]
    rows += [row("two", seed, 0.9, 0.05 + seed / 1e4) for seed in range(5)]
    found = results.summarise(TOY, rows, is_quick=False)
    said = sentences.sentences(found)[1]
    assert said.startswith("One (-4.00 points") and "is better than two in calibration" in said


def test_images_are_paired_in_the_interval_over_images() -> None:
    """Two networks that are right on the same images do not differ on any others."""
    found = table([0.8] * 5, [0.8] * 5).difference("accuracy", "one", "two")
    assert found.images_ci95 == (0, 0)


def test_findings_survive_their_file() -> None:
    found = table(HIGH, LOW)
    again = results.from_json(json.loads(json.dumps(found.to_json())), TOY)
    assert again.differences == found.differences and again.summaries == found.summaries
    assert sentences.sentences(again) == sentences.sentences(found)


def test_a_diverged_run_counts_nowhere() -> None:
    rows = [row("one", 0, 0.9), {**row("one", 1, 0.9), "measures": {}, "diverged": True}]
    found = results.summarise(TOY, rows, is_quick=False)
    assert found.values("one", "accuracy") == [0.9]


def test_like_comparisons_are_told_together() -> None:
    found = results.summarise(STUDIES["pooling"], pooling_rows(5), is_quick=False)
    clauses = sentences.describe_differences(found.compared("accuracy"), str.upper)
    assert len(clauses) == 2
    assert clauses[0].startswith("AVERAGE (-1.00 points") and " and NONE (-2.00" in clauses[0]
    assert clauses[0].endswith("are worse than MAX in validation accuracy")


def test_words_are_listed_as_people_do() -> None:
    assert sentences.join_and(["a"]) == "a"
    assert sentences.join_and(["a", "b"]) == "a and b"
    assert sentences.join_and(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize("kind", [bool, np.uint8])
def test_arrays_survive_their_packing(kind: type) -> None:
    values: np.ndarray = np.random.default_rng(0).integers(0, 2, (3, 5, 7)).astype(kind)
    again = unpacked(json.loads(json.dumps(packed(values))))
    assert again.dtype == kind and (again == values).all()


# The runner


class FakeRuns:
    """Counts the runs it is asked for."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int]] = []

    def __call__(self, job: Job, quick: bool) -> Row:
        self.made.append((job.variant.name, job.seed))
        return row(job.variant.name, job.seed, 0.8 + job.seed / 100)


Toy = Callable[..., dict[str, Any]]


@pytest.fixture
def toy(bar_data: Dataset, tmp_path: Path) -> Toy:
    def run(runs: Callable[[Job, bool], Row], study: Study = TOY, **more: Any) -> dict[str, Any]:
        return run_study(study, bar_data, tmp_path, data_name="bars", execute=runs, **more)

    return run


def test_all_variants_of_a_seed_come_before_the_next(toy: Toy) -> None:
    runs = FakeRuns()
    document = toy(runs, seeds=2)
    assert runs.made == [("one", 0), ("two", 0), ("one", 1), ("two", 1)]
    assert len(document["rows"]) == 4 and document["seeds"] == 2
    assert "answers" not in document["rows"][0]


def test_what_is_there_is_not_run_again(toy: Toy, tmp_path: Path) -> None:
    toy(FakeRuns(), seeds=1)
    runs, said = FakeRuns(), list[str]()
    toy(runs, seeds=3, say=said.append)
    assert runs.made == [("one", 1), ("two", 1), ("one", 2), ("two", 2)]
    assert "2 of them there already" in said[0]
    stored = next((tmp_path / "toy/runs").glob("two-seed1-*.json"))
    stored.write_text("{")  # damaged
    runs = FakeRuns()
    toy(runs, seeds=3)
    assert runs.made == [("two", 1)]


def test_another_recipe_is_another_run_and_the_old_one_stays(toy: Toy, tmp_path: Path) -> None:
    toy(FakeRuns(), seeds=1)
    changed = replace(TOY.variants[0], recipe=replace(TINY, dropout=0.1))
    runs = FakeRuns()
    toy(runs, study=replace(TOY, variants=(changed, TOY.variants[1])), seeds=1)
    assert runs.made == [("one", 0)]
    assert len(list((tmp_path / "toy/runs").glob("one-seed0-*.json"))) == 2


def test_a_run_that_fails_keeps_the_ones_before(toy: Toy) -> None:
    def fail(job: Job, quick: bool) -> Row:
        if job.seed:
            raise EnvironmentFailure("broken")
        return row(job.variant.name, job.seed, 0.8)

    with pytest.raises(EnvironmentFailure, match="broken"):
        toy(fail, seeds=2)
    runs = FakeRuns()
    toy(runs, seeds=2)
    assert runs.made == [("one", 1), ("two", 1)]


def test_two_processes_do_not_share_a_folder(toy: Toy, tmp_path: Path) -> None:
    toy(FakeRuns(), seeds=1)
    with (
        file_lock(tmp_path / "toy/.lock"),
        pytest.raises(EnvironmentFailure, match="another process works there"),
    ):
        toy(FakeRuns(), seeds=1)


def test_a_quick_look_leaves_the_full_answer_alone(toy: Toy, tmp_path: Path) -> None:
    toy(FakeRuns(), seeds=2)
    before = (tmp_path / "toy/study.json").read_text()
    assert toy(FakeRuns(), quick=True)["quick"]
    assert (tmp_path / "toy/study.json").read_text() == before
    assert (tmp_path / "toy-quick/study.json").exists()


def test_sizes_that_the_data_do_not_have_are_all_of_it() -> None:
    large = replace(TOY.variants[0], recipe=replace(TINY, train_size=1_000))
    made = jobs(replace(TOY, variants=(large,)), "x", 500, quick=False, seeds=1)
    assert made[0].recipe.train_size == 0
    made = jobs(replace(TOY, variants=(large,)), "x", 1_000, quick=False, seeds=1)
    assert made[0].recipe.train_size == 1_000


def test_what_no_seed_changes_is_run_once() -> None:
    once = replace(TOY.variants[0], once=True)
    made = jobs(replace(TOY, variants=(once, TOY.variants[1])), "x", 9, quick=False, seeds=3)
    assert [(one.variant.name, one.seed) for one in made] == [
        ("one", 0),
        ("two", 0),
        ("two", 1),
        ("two", 2),
    ]


def test_a_stored_run_is_known_by_what_decides_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("toy", Variant(name="one", recipe=get_recipe("leaky")), 0, ("answers",), "sample")
    key = run_key(job, "data")
    assert run_key(job, "other data") != key
    assert run_key(replace(job, measures=("answers", "cost")), "data") != key
    changed = replace(job.variant, recipe=override(job.variant.recipe, {"epochs": "3"}))
    assert run_key(replace(job, variant=changed), "data") != key
    monkeypatch.setattr("ankleboot.core.environment.NUMERICS_VERSION", 99)
    assert run_key(job, "data") != key


def test_neither_a_new_field_nor_a_new_version_makes_stored_runs_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = Job("toy", Variant(name="one", recipe=get_recipe("leaky")), 0, ("answers",), "sample")
    key = run_key(job, "data")
    to_json = type(job.recipe).to_json
    monkeypatch.setattr(type(job.recipe), "to_json", lambda self: to_json(self) | {"new": 0.5})
    monkeypatch.setattr("ankleboot.core.environment.__version__", "99")
    assert run_key(job, "data") == key


# Pages and the command


def pooling_rows(seeds: int) -> list[Row]:
    """Made-up runs of the study: average is worse by a point, strided the same."""
    gains = {"max": 0.0, "average": -0.01, "strided": 0.0001, "none": -0.02}
    return [
        {
            **row(way, seed, 0.9 + gain + seed / 1_000),
            "measures": {
                "accuracy": 0.9 + gain + seed / 1_000,
                "shifted_accuracy": 0.8 + gain + seed / 1_000,
                "unchanged": 0.93,
                "train_seconds": 5.0,
                "activation_kib": 194.0,
                "parameters": 89_546,
                "receptive_field": 22,
                "shift_distances": [0, 1, 2],
                "shift_accuracies": [0.9, 0.85, 0.8],
            },
        }
        for seed in range(seeds)
        for way, gain in gains.items()
    ]


@pytest.fixture(scope="module")
def pooling_document() -> dict[str, Any]:
    found = results.summarise(STUDIES["pooling"], pooling_rows(5), is_quick=False)
    return found.to_json() | {
        "seeds": 5,
        "data": {"name": "<b>bars</b>", "train_sha256": "0"},
        "seconds": 60.0,
        "hardware": {"cpu": "A Processor", "usable_cores": 2},
        "versions": {"keras": "3", "tensorflow": "2"},
        "date": "2026-11-21",
    }


def test_a_page_is_whole_and_needs_nobody(pooling_document: dict[str, Any], tmp_path: Path) -> None:
    study = STUDIES["pooling"]
    write_page(study, pooling_document, tmp_path / "study.html")
    text = (tmp_path / "study.html").read_text()
    for attribute in ("src", "href"):
        for target in re.findall(rf'\b{attribute}="([^"]*)"', text):
            assert target.startswith(("data:image/png;base64,", "#")), target
    assert text.count("<svg") == len(study.charts(results.from_json(pooling_document, study)))
    assert "Average (-1.00 points" in text and ") are worse than max in validation accuracy" in text
    assert "no difference found between max and strided (+0.01 points" in text
    assert "&lt;b&gt;bars&lt;/b&gt;" in text and "<b>bars" not in text
    assert "A quick look" not in text
    write_page(study, pooling_document | {"quick": True}, tmp_path / "quick.html")
    assert "A quick look: too few runs" in (tmp_path / "quick.html").read_text()


def test_the_page_of_the_docs_repeats_the_numbers(pooling_document: dict[str, Any]) -> None:
    text = markdown(STUDIES["pooling"], pooling_document, ["1.svg", "2.svg", "3.svg"])
    assert "| average | 89.20 +- 0.16 |" in text and "![Accuracy of every run](1.svg)" in text
    assert "| average - max | validation accuracy | -1.00 points |" in text
    assert "`ankleboot train plain --set blocks=3 --set filters=16" in text
    assert "[the notebook](../../notebooks/pooling.ipynb)" in text


def test_a_stored_answer_is_told_with_the_commands_that_repeat_it() -> None:
    study = STUDIES["pooling"]
    told = format_answer(study)
    assert all(len(line) <= 100 for line in told.splitlines())
    assert " ".join((study.question, *answers()["pooling"])) in " ".join(told.split())
    assert "ankleboot study pooling --quick" in told
    assert "was not run in full yet" in format_answer(replace(study, name="new"))


def test_the_command_lists_the_studies(capsys: pytest.CaptureFixture[str]) -> None:
    assert ankleboot(["study", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in rows] == list(STUDIES)
    assert rows[2]["runs"] == 20
    assert ankleboot(["study"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert all(study.question in words for study in STUDIES.values())


@pytest.mark.parametrize("arguments", [["pools"], ["--quick"], ["pooling", "--seeds", "0"]])
def test_mistakes_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ankleboot(["study", *arguments]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_quick_look_on_the_sample_ends_in_a_page(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["study", name, "--quick", "--data", "sample", "--out", str(tmp_path), "--json"]
    assert ankleboot(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["sentences"]) == 3 and document["quick"]
    assert all(one.startswith(sentences.QUICK) for one in document["sentences"])
    text = Path(document["page"]).read_text()
    assert "A quick look: too few runs" in text and "nan" not in " ".join(document["sentences"])
    assert ankleboot(arguments) == 0  # nothing is run again
    assert "there already" in capsys.readouterr().err


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_labels_stand_apart_in_their_order(heights: list[float]) -> None:
    gap = min(0.065, 1 / max(len(heights) - 1, 1))
    placed = spread(heights, 0.065)
    assert min(placed) >= 0 and max(placed) <= 1 + 1e-9
    assert np.all(np.diff(sorted(placed)) >= gap - 1e-9)
    assert np.all(np.argsort(placed, kind="stable") == np.argsort(heights, kind="stable"))
    assert spread([0.1, 0.5, 0.9], 0.065) == pytest.approx([0.1, 0.5, 0.9])
