"""Search for a better recipe: draw trials, train them side by side, keep what was found.

Trials are chosen by validation images alone. The best one is then trained again with other seeds,
beside the recipe that the search started from, before anything is said about it.
"""

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.executors.executor import OUTPUT, Executor, Task
from ankleboot.core.files import exclusive_folder, make_folder
from ankleboot.data.dataset import Dataset
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.train_once import DataRequest, TrainingRequest
from ankleboot.training.tuning.space import Space
from ankleboot.training.tuning.storage import TrialStorage
from ankleboot.training.tuning.summary import SearchResult, summarize_search
from ankleboot.training.tuning.trial import TrialRequest
from ankleboot.training.tuning.trials import (
    DIRECTIONS,
    FAILED,
    RUNNING,
    SearchSettings,
    Trial,
    describe_end,
)

BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*(h|min|m|s|trials?|)")
MAX_FIRST_FAILURES = 3
SECONDS = {"h": 3600, "min": 60, "m": 60, "s": 1}


@dataclass(frozen=True)
class Budget:
    """End of a search: a number of trials, or seconds of this command."""

    trials: float | int = math.inf
    seconds: float | int = math.inf

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read "30" (trials), "90s", "20min" or "2h".

        Raises:
            UsageError: If the text is none of these.
        """
        found = BUDGET.fullmatch(text.strip().lower())
        if found is None or not 0 < float(found[1]) < math.inf:
            raise UsageError(f"--budget {text}: expected a number of trials, or 90s, 20min or 2h")
        number, unit = float(found[1]), found[2]
        if unit in SECONDS:
            return cls(seconds=number * SECONDS[unit])
        if number != int(number):
            raise UsageError(f"--budget {text}: expected a whole number of trials")
        return cls(trials=int(number))


@dataclass(frozen=True)
class Search:
    """A search in a folder: `optuna.db`, and a run for each trial in trials/."""

    folder: Path
    settings: SearchSettings
    request: DataRequest
    labels: tuple[str, ...]

    @classmethod
    def create(
        cls,
        recipe: Recipe,
        space: Space,
        data: Dataset,
        request: DataRequest,
        folder: Path,
        objectives: tuple[str, ...] = ("validation_accuracy",),
    ) -> "Search":
        """Describe a search.

        Raises:
            UsageError: If an objective is unknown or named twice.
        """
        for name in objectives:
            if name not in DIRECTIONS:
                raise UsageError(f"--objective {name}: expected one of {', '.join(DIRECTIONS)}")
        if len(set(objectives)) < len(objectives):
            raise UsageError("--objective: the same one is named twice")
        settings = SearchSettings(
            recipe, space, objectives, data.name, data.train_sha256, recipe.seed
        )
        return cls(folder, settings, request, data.class_names)

    def run(
        self, budget: Budget, executor: Executor, progress: Callable[[str], None]
    ) -> SearchResult:
        """Make trials until the budget is spent, and summarize all of this folder.

        A search that was stopped or killed continues: finished trials count, and those that were
        running go on from their last epoch.

        Raises:
            ModelError: If the folder holds a search with other settings.
            EnvironmentFailure: If the folder is in use or cannot be written, or the first trials
                all fail.
            Interrupted: On SIGINT or SIGTERM; finished trials are stored.
        """
        make_folder(self.folder / "trials")
        with exclusive_folder(self.folder):
            storage = TrialStorage(self.folder / "optuna.db", self.settings)
            self._make_trials(storage, budget, executor, progress)
            return summarize_search(self.folder, self.settings, storage.trials(), storage.study)

    def _make_trials(
        self,
        storage: TrialStorage,
        budget: Budget,
        executor: Executor,
        progress: Callable[[str], None],
    ) -> None:
        deadline = time.monotonic() + budget.seconds
        drawn: dict[str, Trial] = {}

        def tasks() -> Iterator[Task]:
            for trial in storage.trials():
                if trial.state == RUNNING:  # when the former command was killed
                    progress(f"{_title(trial)}: continued")
                    drawn[_name(trial)] = trial
                    yield self._task(trial, storage)
            while storage.num_trials() < budget.trials and time.monotonic() < deadline:
                fresh = storage.draw()
                if fresh is None:
                    progress("no further recipe in this search space: the search ends")
                    return
                progress(_title(fresh))
                drawn[_name(fresh)] = fresh
                yield self._task(fresh, storage)

        finished = storage.num_trials(running=False)
        there = f"; {finished} trials are there already" if finished else ""
        progress(f"search {executor.description}{there}")
        for outcome in executor.run(tasks()):
            trial = drawn[outcome.task.name]
            note = outcome.error or "; ".join(outcome.failures)
            done = storage.finish(trial, outcome.document, note)
            progress(f"trial {done.number}: {describe_end(done, self.settings.objectives)}")
            if storage.num_trials(running=False) == MAX_FIRST_FAILURES:
                _refuse_hopeless(storage.trials())

    def _task(self, trial: Trial, storage: TrialStorage) -> Task:
        training = TrainingRequest(trial.recipe, self.request, self.labels)
        request = TrialRequest(training, storage.prune_below(trial.recipe.epochs))
        arguments = (request.to_json(), OUTPUT)
        module = "ankleboot.training.tuning.trial"
        run_dir = self.folder / "trials" / _name(trial)
        return Task(_name(trial), module, arguments, str(run_dir))


def _refuse_hopeless(trials: list[Trial]) -> None:
    """End a search whose first trials all failed, since the others would, too."""
    ended = [trial for trial in trials if trial.state != RUNNING]
    if all(trial.state == FAILED for trial in ended):
        raise EnvironmentFailure(f"the first {len(ended)} trials failed: {ended[0].note}")


def _name(trial: Trial) -> str:
    return f"trial-{trial.number:04d}"


def _title(trial: Trial) -> str:
    return f"trial {trial.number} ({trial.key}): {' '.join(trial.changes)}"
