"""Trainings side by side, on this machine or on a cluster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ankleboot.core.errors import DivergedError, EnvironmentFailure
from ankleboot.core.executors.executor import OUTPUT, Executor, Outcome, Task
from ankleboot.core.progress import RemainingTime
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.train_once import DataRequest, TrainingRequest


@dataclass(frozen=True)
class ParallelTraining:
    """Trains runs by an executor.

    Attributes:
        data: Data set, which each process loads.
        progress: Function that receives a line for each finished run.
    """

    executor: Executor
    data: DataRequest
    progress: Callable[[str], None]

    def __call__(
        self, recipes: Sequence[Recipe], run_dirs: Sequence[Path], labels: Sequence[str]
    ) -> None:
        """Train the runs that are not complete; those that were stopped continue.

        Args:
            recipes: Recipe of each run.
            run_dirs: Folder of each run.
            labels: Classes of the data, in their order.

        Raises:
            DivergedError: If a loss of a run is not finite; the others are trained first.
            EnvironmentFailure: If a run fails; the others are trained first.
            Interrupted: On a signal; finished runs are kept.
        """
        tasks = [
            self._task(recipe, run_dir, labels)
            for recipe, run_dir in zip(recipes, run_dirs, strict=True)
            if not Run(run_dir).is_complete
        ]
        if not tasks:
            return
        stored = len(recipes) - len(tasks)
        number = "1 training" if len(tasks) == 1 else f"{len(tasks)} trainings"
        self.progress(
            f"{number} {self.executor.description}"
            + (f"; {stored} are there already" if stored else "")
        )
        remaining, failed = RemainingTime(len(tasks)), []
        for outcome in self.executor.run(tasks):
            self.progress(f"{remaining.next()}  {_describe(outcome)}")
            if outcome.document is None or "diverged" in outcome.document:
                failed.append(outcome)
        if failed:
            _raise_failure(failed)

    def _task(self, recipe: Recipe, run_dir: Path, labels: Sequence[str]) -> Task:
        request = TrainingRequest(recipe, self.data, tuple(labels))
        arguments = (request.to_json(), OUTPUT)
        return Task(run_dir.name, "ankleboot.training.train_once", arguments, str(run_dir))


def _describe(outcome: Outcome) -> str:
    again = f", after {'; '.join(outcome.failures)}" if outcome.failures else ""
    if outcome.document is None:
        return f"{outcome.task.name}: {outcome.error}"
    if "diverged" in outcome.document:
        return f"{outcome.task.name}: {outcome.document['diverged']}{again}"
    accuracy = 100 * outcome.document["validation"]["accuracy"]
    return (
        f"{outcome.task.name}: {accuracy:.2f} % of the validation images, "
        f"{outcome.seconds:.0f} s{again}"
    )


def _raise_failure(failed: Sequence[Outcome]) -> None:
    first = failed[0]
    others = f" ({len(failed) - 1} others failed as well)" if len(failed) > 1 else ""
    if first.document is not None:
        raise DivergedError(f"{first.task.name}: {first.document['diverged']}{others}")
    raise EnvironmentFailure(f"{first.task.name}: {first.error}{others}")
