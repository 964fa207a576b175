"""Several seeds: the figures, continuing, and trainings side by side."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from ankleboot.core.errors import DivergedError, EnvironmentFailure, ModelError, UsageError
from ankleboot.core.executors.executor import Executor, Outcome, Outcomes, Task
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.seed_runs import SeedRuns
from ankleboot.models.run import Run
from ankleboot.training import train_once
from ankleboot.training.cross_validate import cross_validate
from ankleboot.training.parallel import ParallelTraining
from ankleboot.training.train_once import DataRequest, TrainingRequest
from ankleboot.training.train_seeds import train_seeds
from helpers.images import TINY

RECIPE = replace(TINY, epochs=2)


class InThisProcess(Executor):
    """Runs the child's code here on the tests' data; the named tasks fail."""

    def __init__(self, *failing: str) -> None:
        self.tasks: list[str] = []
        self._failing = failing

    @property
    def description(self) -> str:
        return "in this process"

    def run(self, tasks: Iterable[Task]) -> Outcomes:
        for task in tasks:
            self.tasks.append(task.name)
            if task.name in self._failing:
                yield Outcome(task, None, "no memory", 1.0)
                continue
            _, *arguments = task.command(task.output)
            train_once.main(arguments)
            yield Outcome(task, Run(Path(task.output)).result(), "", 1.0, ("a death",))


@pytest.fixture
def data(bar_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Data that the child's code loads as well."""
    monkeypatch.setattr(train_once, "load_data", lambda name, **_: bar_data)
    return bar_data


@pytest.fixture(scope="module")
def result(bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> SeedRuns:
    """Three seeds, which the tests share; do not change the folder."""
    recipe = replace(RECIPE, seed=4)
    return train_seeds(recipe, bar_data, tmp_path_factory.mktemp("seeds") / "three", seeds=3)


def test_the_figures_are_those_of_the_runs(result: SeedRuns) -> None:
    runs = [Run(result.folder / f"seed-{seed}") for seed in (4, 5, 6)]
    accuracies = [run.result()["validation"]["accuracy"] for run in runs]
    assert (
        [score.seed for score in result.seeds] == [run.recipe().seed for run in runs] == [4, 5, 6]
    )
    assert [score.accuracy for score in result.seeds] == accuracies
    assert result.accuracy_mean == pytest.approx(statistics.mean(accuracies))
    assert result.accuracy_std == pytest.approx(statistics.stdev(accuracies))
    error = stats.sem(accuracies)
    low, high = stats.t.interval(0.95, 2, result.accuracy_mean, error)
    assert result.accuracy_ci95 == pytest.approx((max(0, low), min(1, high)))
    stored = json.loads((result.folder / "seeds.json").read_text())
    assert stored | {"run_dir": str(result.folder)} == json.loads(json.dumps(result.to_json()))
    assert "over 3 seeds" in result.sentence and "validation images of bars" in result.sentence


def test_runs_side_by_side_give_the_same(result: SeedRuns, data: Dataset, tmp_path: Path) -> None:
    executor, lines = InThisProcess(), list[str]()
    train_all = ParallelTraining(executor, DataRequest("bars"), lines.append)
    recipe = replace(RECIPE, seed=4)
    again = train_seeds(recipe, data, tmp_path / "a", seeds=3, train_all=train_all)
    assert executor.tasks == ["seed-4", "seed-5", "seed-6"]
    assert [score.accuracy for score in again.seeds] == [score.accuracy for score in result.seeds]
    hashes = [
        [Run(folder / score.run_dir).result()["weights_sha256"] for score in result.seeds]
        for folder in (result.folder, again.folder)
    ]
    assert hashes[0] == hashes[1]
    assert lines[0] == "3 trainings in this process"
    assert lines[1].startswith("1/3, about") and lines[1].endswith("1 s, after a death")


def test_finished_runs_are_not_trained_again(data: Dataset, tmp_path: Path) -> None:
    failing, lines = InThisProcess("seed-1"), list[str]()
    request = DataRequest("bars")
    with pytest.raises(EnvironmentFailure, match="^seed-1: no memory$"):
        train_seeds(
            RECIPE,
            data,
            tmp_path / "a",
            seeds=3,
            train_all=ParallelTraining(failing, request, lines.append),
        )
    assert failing.tasks == ["seed-0", "seed-1", "seed-2"]  # the others are trained
    executor = InThisProcess()
    train_all = ParallelTraining(executor, request, lines.append)
    result = train_seeds(RECIPE, data, tmp_path / "a", seeds=3, train_all=train_all)
    assert executor.tasks == ["seed-1"] and len(result.seeds) == 3
    assert "1 training in this process; 2 are there already" in lines
    first, second = (tmp_path / "a" / name for name in ("seed-0", "seed-1"))
    (first / "samples.png").unlink()  # as after a kill
    before = (second / "samples.png").stat().st_mtime_ns
    train_seeds(RECIPE, data, tmp_path / "a", seeds=3, train_all=train_all)
    assert executor.tasks == ["seed-1"] and (first / "samples.png").is_file()
    assert (second / "samples.png").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_cross_validation_side_by_side_gives_the_same(data: Dataset, tmp_path: Path) -> None:
    one = cross_validate(RECIPE, data, tmp_path / "one", folds=2)
    train_all = ParallelTraining(InThisProcess(), DataRequest("bars"), lambda _: None)
    other = cross_validate(RECIPE, data, tmp_path / "other", folds=2, train_all=train_all)
    assert one.accuracy == other.accuracy and one.confusion_matrix == other.confusion_matrix


def test_a_run_that_diverges_is_named(data: Dataset, tmp_path: Path) -> None:
    recipe = replace(RECIPE, optimizer="sgd", learning_rate=10.0, seed=1)
    request = TrainingRequest(recipe, DataRequest("bars"), data.class_names)
    assert TrainingRequest.from_json(request.to_json()) == request

    class Diverging(InThisProcess):
        def run(self, tasks: Iterable[Task]) -> Outcomes:
            for task in tasks:
                yield Outcome(task, {"diverged": "epoch 1: the loss is nan"}, "", 1.0)

    train_all = ParallelTraining(Diverging(), DataRequest("bars"), lambda _: None)
    with pytest.raises(DivergedError, match=r"^seed-1: epoch 1: .* \(1 others failed as well\)$"):
        train_seeds(recipe, data, tmp_path / "a", seeds=2, train_all=train_all)


def test_other_folders_are_refused(result: SeedRuns, data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="recipe.epochs was 2 and is 3"):
        train_seeds(replace(RECIPE, epochs=3, seed=4), data, result.folder, seeds=3)
    with pytest.raises(UsageError, match="not the runs of seeds 4 to 5, it has seed-6"):
        train_seeds(replace(RECIPE, seed=4), data, result.folder, seeds=2)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="this is a file"):
        train_seeds(RECIPE, data, tmp_path / "file")
    with pytest.raises(UsageError, match="seeds: expected 2 to 1,000, got 1"):
        train_seeds(RECIPE, data, tmp_path / "b", seeds=1)
