"""The runner: which runs are made, stored and reused."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.executors.executor import Executor, Outcome, Outcomes, Task
from ankleboot.core.files import file_lock
from ankleboot.data.dataset import Dataset
from ankleboot.recipes.catalog import PLAIN, get_recipe
from ankleboot.recipes.parse import override
from ankleboot.studies.runner import run_key, run_study
from ankleboot.studies.study import Job, Study, Variant
from helpers.images import TINY
from helpers.studies import ACCURACY, TOY, row


class FakeRuns(Executor):
    """Fake runs, with a list of those made; those of some seeds fail."""

    description = "nowhere"

    def __init__(self, *failing_seeds: int, cores: int | None = None) -> None:
        self.made: list[tuple[str, int]] = []
        self.cores = cores
        self._failing = failing_seeds

    def run(self, tasks: Iterable[Task]) -> Outcomes:
        for task in tasks:
            assert task.module == "ankleboot.studies.run_once"
            study, variant, seed, data, kind = task.arguments
            assert (study, data) == ("toy", "bars") and kind in ("full", "quick")
            if int(seed) in self._failing:
                yield Outcome(task, None, "broken", 1.0)
                continue
            self.made.append((variant, int(seed)))
            document = dict(row(variant, int(seed), 0.8 + int(seed) / 100))
            yield Outcome(task, document, "", 1.0, ("a death",))


Toy = Callable[..., dict[str, Any]]


@pytest.fixture
def toy(bar_data: Dataset, tmp_path: Path) -> Toy:
    def run(runs: FakeRuns, study: Study = TOY, **more: Any) -> dict[str, Any]:
        return run_study(study, bar_data, tmp_path, data_name="bars", executor=runs, **more)

    return run


def test_all_variants_of_a_seed_come_before_the_next(toy: Toy) -> None:
    runs = FakeRuns()
    document = toy(runs, seeds=2)
    assert runs.made == [("one", 0), ("two", 0), ("one", 1), ("two", 1)]
    assert len(document["rows"]) == 4 and document["seeds"] == 2
    assert "correct" not in document["rows"][0]


def test_stored_runs_are_reused(toy: Toy, tmp_path: Path) -> None:
    toy(FakeRuns(), seeds=1)
    runs, messages = FakeRuns(), list[str]()
    toy(runs, seeds=3, progress=messages.append)
    assert runs.made == [("one", 1), ("two", 1), ("one", 2), ("two", 2)]
    assert "2 of them there already" in messages[0]
    messages.clear()
    toy(FakeRuns(), seeds=3, progress=messages.append)
    assert messages == ["toy: 6 runs, there already"]  # and no minutes
    stored = next((tmp_path / "toy/runs").glob("two-seed1-*.json"))
    stored.write_text("{")  # damaged
    runs = FakeRuns()
    toy(runs, seeds=3)
    assert runs.made == [("two", 1)]


def test_document_holds_the_numbers_of_training_images(toy: Toy, bar_data: Dataset) -> None:
    few = replace(TOY.variants[1], recipe=replace(TINY, train_size=20))
    document = toy(FakeRuns(), study=replace(TOY, variants=(TOY.variants[0], few)), seeds=1)
    everything = len(bar_data.split(PLAIN.split_rule).train)
    assert document["train_images"] == [20, everything]


def test_changed_recipe_is_run_again_and_the_old_run_stays(toy: Toy, tmp_path: Path) -> None:
    toy(FakeRuns(), seeds=1)
    changed = replace(TOY.variants[0], recipe=replace(TINY, dropout=0.1))
    runs = FakeRuns()
    toy(runs, study=replace(TOY, variants=(changed, TOY.variants[1])), seeds=1)
    assert runs.made == [("one", 0)]
    assert len(list((tmp_path / "toy/runs").glob("one-seed0-*.json"))) == 2


def test_failed_run_keeps_the_others(toy: Toy) -> None:
    with pytest.raises(EnvironmentFailure, match="one, seed 1: broken"):
        toy(FakeRuns(1), seeds=3)
    runs = FakeRuns()
    document = toy(runs, seeds=3)
    assert runs.made == [("one", 1), ("two", 1)]
    assert document["rows"][0]["failures"] == ["a death"]


def test_runs_with_another_number_of_threads_are_others(toy: Toy) -> None:
    toy(FakeRuns(), seeds=1)
    runs = FakeRuns(cores=1)
    toy(runs, seeds=1)
    assert len(runs.made) == 2
    toy(runs, seeds=1)
    assert len(runs.made) == 2


def test_folder_in_use_is_refused(toy: Toy, tmp_path: Path) -> None:
    toy(FakeRuns(), seeds=1)
    with (
        file_lock(tmp_path / "toy/.lock"),
        pytest.raises(EnvironmentFailure, match="another process works there"),
    ):
        toy(FakeRuns(), seeds=1)


def test_quick_run_keeps_the_full_document(toy: Toy, tmp_path: Path) -> None:
    toy(FakeRuns(), seeds=2)
    before = (tmp_path / "toy/study.json").read_text()
    assert toy(FakeRuns(), quick=True)["quick"]
    assert (tmp_path / "toy/study.json").read_text() == before
    assert (tmp_path / "toy-quick/study.json").exists()


def test_run_key_depends_on_what_decides_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("toy", Variant(name="one", recipe=get_recipe("leaky")), 0, (ACCURACY,), "sample")
    key = run_key(job, "data")
    assert run_key(job, "other data") != key
    assert run_key(replace(job, measures=(ACCURACY, "cost:measure_cost")), "data") != key
    changed = replace(job.variant, recipe=override(job.variant.recipe, {"epochs": "3"}))
    assert run_key(replace(job, variant=changed), "data") != key
    monkeypatch.setattr("ankleboot.core.environment.NUMERICS_VERSION", 99)
    assert run_key(job, "data") != key


def test_run_key_ignores_new_fields_and_package_versions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = Job("toy", Variant(name="one", recipe=get_recipe("leaky")), 0, (ACCURACY,), "sample")
    key = run_key(job, "data")
    to_json = type(job.recipe).to_json
    monkeypatch.setattr(type(job.recipe), "to_json", lambda self: to_json(self) | {"new": 0.5})
    monkeypatch.setattr("ankleboot.core.environment.__version__", "99")
    assert run_key(job, "data") == key
