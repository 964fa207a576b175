"""Searches: different trials, pruning, continuing after a kill, and what is concluded."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError
from ankleboot.core.executors.executor import Executor, Outcome, Outcomes, Task
from ankleboot.core.files import file_lock
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.seed_runs import SeedRuns, SeedScore
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.training import train_once
from ankleboot.training.train_once import DataRequest
from ankleboot.training.tuning import trial as trial_module
from ankleboot.training.tuning.page import trial_table, write_search_page
from ankleboot.training.tuning.search import Budget, Search
from ankleboot.training.tuning.space import search_space
from ankleboot.training.tuning.summary import SearchResult, conclude, pareto_front
from ankleboot.training.tuning.trial import PrunedError, Pruner, TrialRequest
from ankleboot.training.tuning.trials import Trial
from helpers.images import TINY

pytest.importorskip("optuna")
RECIPE = replace(TINY, epochs=4)
Judge = Callable[[TrialRequest], dict[str, Any] | None]


def complete(accuracy: float, seconds: float = 1.0) -> dict[str, Any]:
    figures = {"validation_accuracy": accuracy, "validation_loss": 1 - accuracy}
    figures |= {"train_seconds": seconds, "parameters": 10, "model_bytes": 100}
    curve = [accuracy - 0.1, accuracy - 0.05, accuracy - 0.01, accuracy]
    return {"state": "complete", "curve": curve, "objectives": figures}


def by_rate(request: TrialRequest) -> dict[str, Any]:
    """The smaller the rate, the better; the seconds rise with the batch size."""
    recipe = request.training.recipe
    return complete(0.9 - recipe.learning_rate, recipe.batch_size / 10)


class Pretended(Executor):
    """Trials that take no time; after some, the driver dies."""

    description = "nowhere"

    def __init__(self, judge: Judge = by_rate, *, dies_after: int = 10**6) -> None:
        self.requests: list[TrialRequest] = []
        self._judge, self._dies_after = judge, dies_after

    def run(self, tasks: Iterable[Task]) -> Outcomes:
        for task in tasks:
            assert task.module == "ankleboot.training.tuning.trial"
            if len(self.requests) >= self._dies_after:
                raise KeyboardInterrupt  # the task was drawn, and will never end
            request = TrialRequest.from_json(task.arguments[0])
            self.requests.append(request)
            document = self._judge(request)
            yield Outcome(task, document, "" if document else "no memory", 1.0)


@pytest.fixture
def search(bar_data: Dataset, tmp_path: Path) -> Search:
    space = search_space(RECIPE)
    return Search.create(RECIPE, space, bar_data, DataRequest("bars"), tmp_path / "found")


def run(search: Search, executor: Pretended, trials: int = 12) -> tuple[SearchResult, list[str]]:
    lines = list[str]()
    return search.run(Budget(trials=trials), executor, lines.append), lines


def test_trials_differ_and_the_best_is_the_best(search: Search) -> None:
    executor = Pretended()
    result, lines = run(search, executor)
    recipes = [trial.recipe for trial in result.trials]
    assert len(recipes) == len(set(recipes)) == 12 and RECIPE not in recipes
    assert len({trial.key for trial in result.trials}) == 12
    assert [request.training.recipe for request in executor.requests] == recipes
    best = min(result.trials, key=lambda trial: trial.recipe.learning_rate)
    assert result.best == (best.number,)
    assert best.values[0] == pytest.approx(0.9 - best.recipe.learning_rate)
    assert lines[0] == "search nowhere"
    assert lines[1] == f"trial 0 ({result.trials[0].key}): {' '.join(result.trials[0].changes)}"
    assert lines[2].startswith("trial 0: validation accuracy 8")
    assert all(recipe.seed == RECIPE.seed for recipe in recipes)
    assert set(result.importance) == set(search.settings.space)
    first, second = result.sentences
    assert f"Trial {best.number} is the best of 12" in first and "luckiest" in second


@pytest.mark.slow
def test_a_search_finds_better_values_than_chance(search: Search) -> None:
    """Of the second half of the trials more are good: TPE learns from the first."""
    result, _ = run(search, Pretended(), 40)
    rates = [trial.recipe.learning_rate for trial in result.trials]
    assert sorted(rates[20:])[10] < sorted(rates[:20])[10]
    assert max(result.importance, key=lambda name: result.importance[name]) == "learning_rate"


def test_a_killed_search_continues_and_repeats_nothing(search: Search) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(search, Pretended(dies_after=5))
    executor = Pretended()
    result, lines = run(search, executor)
    assert len(result.trials) == len({trial.key for trial in result.trials}) == 12
    assert len(executor.requests) == 7  # the one that was running, and six new ones
    assert lines[0] == "search nowhere; 5 trials are there already"
    assert lines[1].endswith(": continued")
    assert all(trial.state == "complete" for trial in result.trials)
    again = Pretended()
    assert run(search, again)[0].trials == result.trials and again.requests == []


def test_bad_curves_are_given_up_after_five_complete_trials(search: Search) -> None:
    executor = Pretended()
    run(search, executor, 8)
    bounds = [request.prune_below for request in executor.requests]
    assert bounds[:5] == [()] * 5
    assert bounds[5][0] is None and len(bounds[5]) == 4  # the first quarter is never pruned
    finals = sorted(
        0.9 - request.training.recipe.learning_rate for request in executor.requests[:5]
    )
    assert bounds[5][3] == pytest.approx(finals[2])  # the median


def test_what_fails_is_stored_and_counts(search: Search) -> None:
    def judge(request: TrialRequest) -> dict[str, Any] | None:
        number = len(executor.requests)
        if number == 2:
            return None
        if number == 3:
            return {"state": "diverged", "curve": []}
        return {"state": "pruned", "curve": [0.2, 0.1]} if number == 4 else by_rate(request)

    executor = Pretended(judge)
    result, lines = run(search, executor, 6)
    states = [trial.state for trial in result.trials]
    assert states == ["complete", "failed", "diverged", "pruned", "complete", "complete"]
    assert "trial 1: failed (no memory)" in lines
    assert "trial 3: pruned after epoch 2, 10.00 %" in lines
    assert result.importance == {}  # too few complete ones


def test_a_search_whose_first_trials_fail_ends(search: Search) -> None:
    executor = Pretended(lambda _: None)
    with pytest.raises(EnvironmentFailure, match="the first 3 trials failed: no memory"):
        run(search, executor)
    assert len(executor.requests) == 3


def test_an_exhausted_space_ends_the_search(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ankleboot.training.tuning.storage.MAX_REDRAWS", 20)
    space = search_space(RECIPE, ["flip=false,true", "batch_size=16,32"])
    search = Search.create(RECIPE, space, bar_data, DataRequest("bars"), tmp_path / "a")
    result, lines = run(search, Pretended())
    assert len(result.trials) == 3  # the fourth is the recipe itself
    assert "no further recipe in this search space: the search ends" in lines


def test_several_objectives_give_a_front(bar_data: Dataset, tmp_path: Path) -> None:
    objectives = ("validation_accuracy", "train_seconds")
    space = search_space(RECIPE)
    made = Search.create(RECIPE, space, bar_data, DataRequest("b"), tmp_path / "a", objectives)
    executor = Pretended()
    result, lines = run(made, executor, 15)
    assert all(request.prune_below == () for request in executor.requests)
    points = {trial.number: trial.values for trial in result.trials}
    for number, (accuracy, seconds) in points.items():
        is_beaten = any(
            other != (accuracy, seconds) and other[0] >= accuracy and other[1] <= seconds
            for other in points.values()
        )
        assert is_beaten != (number in result.best)
    assert "not beaten in validation accuracy and train seconds" in result.sentences[0]
    assert ", train seconds " in lines[2]
    page = tmp_path / "page.html"
    write_search_page(result, page)
    assert "Validation accuracy against train seconds" in page.read_text()


def test_equal_trials_do_not_beat_each_other() -> None:
    def trial(number: int, *values: float) -> Trial:
        return Trial(number, RECIPE, (), str(number), "complete", values)

    trials = [trial(0, 0.9, 5.0), trial(1, 0.9, 5.0), trial(2, 0.8, 9.0), trial(3, 0.7, 1.0)]
    assert pareto_front(trials, ("validation_accuracy", "train_seconds")) == [0, 1, 3]


def test_the_page_shows_what_was_found(search: Search, tmp_path: Path) -> None:
    result, _ = run(search, Pretended())
    write_search_page(result, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "Search for a better" in text and "Importance of the fields" in text
    assert all(trial.key in text for trial in result.trials)
    titles, *rows = trial_table(result)
    assert titles[:2] == ["trial", "validation accuracy"] and rows[0][0] == f"{result.best[0]} *"
    assert json.loads(json.dumps(result.to_json()))["best"] == list(result.best)


def test_other_settings_need_another_folder(
    search: Search, bar_data: Dataset, tmp_path: Path
) -> None:
    run(search, Pretended(), 2)
    other = replace(search, settings=replace(search.settings, recipe=replace(RECIPE, epochs=5)))
    with pytest.raises(ModelError, match=r"a search with other settings \(recipe\)"):
        run(other, Pretended())
    with (
        file_lock(search.folder / ".lock"),
        pytest.raises(EnvironmentFailure, match="another process works there"),
    ):
        run(search, Pretended())
    (search.folder / "optuna.db").write_bytes(b"no database" * 1000)
    with pytest.raises(EnvironmentFailure, match="cannot be used as storage"):
        run(search, Pretended())
    with pytest.raises(UsageError, match="--objective speed: expected one of validation_accuracy"):
        Search.create(RECIPE, {}, bar_data, DataRequest("b"), tmp_path, ("speed",))
    with pytest.raises(UsageError, match="named twice"):
        Search.create(RECIPE, {}, bar_data, DataRequest("b"), tmp_path, ("parameters",) * 2)


@pytest.mark.parametrize(
    ("table", "key", "text"),
    [
        ("study", "settings", "5"),
        ("study", "settings", "["),
        ("trial", "recipe", "{}"),
        ("trial", "key", "null"),
        ("trial", "curve", '"x"'),
        ("trial", "curve", "[" * 20_000),
    ],
)
def test_a_damaged_storage_is_named(search: Search, table: str, key: str, text: str) -> None:
    run(search, Pretended(), 1)
    with sqlite3.connect(search.folder / "optuna.db") as connection:
        change = f"UPDATE {table}_user_attributes SET value_json = ? WHERE key = ?"
        connection.execute(change, [text, key])
    connection.close()
    with pytest.raises((ModelError, EnvironmentFailure), match="optuna.db"):
        run(search, Pretended())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", Budget(trials=30)),
        ("5 trials", Budget(trials=5)),
        ("90s", Budget(seconds=90)),
        ("20min", Budget(seconds=1200)),
        ("1.5h", Budget(seconds=5400)),
    ],
)
def test_budgets(text: str, expected: Budget) -> None:
    assert Budget.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "many", "1.5", "3 days", "9" * 400, "9" * 400 + "h"]
)
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--budget"):
        Budget.parse(text)


def test_time_ends_a_search(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10**6))
    monkeypatch.setattr("ankleboot.training.tuning.search.time.monotonic", lambda: next(clock))
    result = search.run(Budget(seconds=4), Pretended(), lambda _: None)
    assert 2 <= len(result.trials) <= 4


def test_the_pruner_ends_a_training_below_the_bound() -> None:
    def record(epoch: int, accuracy: float) -> EpochRecord:
        return EpochRecord(epoch, 1.0, 0.5, 1.0, accuracy, 0.1, 1.0)

    pruner = Pruner((None, 0.5))
    pruner.on_epoch_end(record(1, 0.1), True)
    pruner.on_epoch_end(record(2, 0.5), True)
    pruner.on_epoch_end(record(3, 0.0), True)  # beyond the bounds
    with pytest.raises(PrunedError):
        pruner.on_epoch_end(record(2, 0.49), True)


def test_a_trial_in_its_process(
    bar_data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Complete, continued, pruned: what the child prints."""
    monkeypatch.setattr(train_once, "load_data", lambda name, **_: bar_data)
    training = train_once.TrainingRequest(
        replace(TINY, epochs=2), DataRequest("bars"), bar_data.class_names
    )

    def child(folder: str, *bounds: float | None) -> dict[str, Any]:
        request = TrialRequest(training, bounds)
        assert TrialRequest.from_json(request.to_json()) == request
        trial_module.main([request.to_json(), str(tmp_path / folder)])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    done = child("a")
    result = Run(tmp_path / "a").result()
    assert done["state"] == "complete" and len(done["curve"]) == 2
    assert done["objectives"]["validation_accuracy"] == result["validation"]["accuracy"]
    assert done["objectives"]["model_bytes"] == (tmp_path / "a/model.keras").stat().st_size
    assert child("a") == done  # a driver that was killed asks again
    assert child("b", None, 1.1) == {"state": "pruned", "curve": done["curve"]}


def test_a_winner_is_told_only_over_seeds(search: Search) -> None:
    def runs(name: str, *accuracies: float) -> SeedRuns:
        scores = tuple(SeedScore(n, a, 0.1, 1.0, "") for n, a in enumerate(accuracies))
        return SeedRuns(Path("x"), name, "bars", 0.9, 0.01, (0.8, 1.0), 0.1, scores)

    result, _ = run(search, Pretended(), 3)
    best = next(trial for trial in result.trials if trial.number in result.best)
    better = conclude(best, runs("new", 0.95, 0.96, 0.97, 0.98), runs("old", 0.9, 0.91, 0.92, 0.93))
    assert better.conclusion.startswith("Recipe new is the better one")
    few = conclude(best, runs("new", 0.95, 0.96), runs("old", 0.9, 0.91))
    assert few.conclusion.startswith("Too few runs to distinguish new and old")
    assert replace(result, confirmation=better).sentences[1] == better.conclusion
