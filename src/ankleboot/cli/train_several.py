"""`ankleboot train --folds` and `--seeds`: several trainings of a recipe by one command."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ankleboot.cli import options
from ankleboot.cli.executor_options import ExecutorOptions
from ankleboot.core.errors import UsageError

if TYPE_CHECKING:
    from ankleboot.recipes.recipe import Recipe


def refuse_beside_several(
    changes: dict[str, str],
    folds: int | None,
    seeds: int | None,
    resume_dir: Path | None,
    parent_dir: Path | None,
) -> None:
    """Refuse options of a single training.

    Raises:
        UsageError: If one is given.
    """
    option = "--folds" if folds is not None else "--seeds"
    if folds is not None and seeds is not None:
        raise UsageError("--folds and --seeds do not go together; leave one out")
    if resume_dir is not None:
        raise UsageError(
            f"--resume continues one run; {option} continues by the same command with --run-dir "
            "FOLDER"
        )
    if parent_dir is not None and folds is not None:
        raise UsageError(
            "--from is refused beside --folds, since the run may have learned images that a fold "
            "judges; leave it out"
        )
    if parent_dir is not None:
        raise UsageError("--from goes with one training; leave --seeds or --from out")
    if given := [key for key in ("folds", "fold") if folds is not None and key in changes]:
        raise UsageError(
            f"--set {given[0]} is refused beside --folds, which sets it for every run; leave it out"
        )


@dataclass(frozen=True)
class SeveralTrainings:
    """Trainings of one recipe: here one after the other, side by side, or on a cluster."""

    recipe: Recipe
    data_choice: options.DataOptions
    run_dir: Path | None
    place: ExecutorOptions
    trackers: list[Any]
    verbose: bool

    def cross_validate(self, folds: int) -> options.Result:
        """Train the folds; return the document and the function that prints it."""
        from ankleboot.cli.output.training import TrainingProgress, cross_validation_result
        from ankleboot.training.cross_validate import cross_validate

        with closing(TrainingProgress(verbose=self.verbose)) as progress:
            result = cross_validate(folds=folds, callbacks=[progress], **self._arguments())
        self._track(result.folder, [fold.run_dir for fold in result.folds])
        return result.to_json(), lambda: cross_validation_result(result)

    def train_seeds(self, seeds: int) -> options.Result:
        """Train the seeds; return the document and the function that prints it."""
        from ankleboot.cli.output.training import TrainingProgress, seed_result
        from ankleboot.training.train_seeds import train_seeds

        with closing(TrainingProgress(verbose=self.verbose)) as progress:
            result = train_seeds(seeds=seeds, callbacks=[progress], **self._arguments())
        self._track(result.folder, [score.run_dir for score in result.seeds])
        return result.to_json(), lambda: seed_result(result)

    def _track(self, folder: Path, run_dirs: list[str]) -> None:
        """Log the runs when all are complete, since other processes trained them."""
        from ankleboot.models.run import Run

        for tracker in self.trackers:
            for run_dir in run_dirs:
                tracker.on_complete(Run(folder / run_dir))

    def _arguments(self) -> dict[str, Any]:
        from ankleboot.cli.output.terminal import log_line
        from ankleboot.core.executors.local import LocalExecutor
        from ankleboot.training.parallel import ParallelTraining

        choice, executor, train_all = self.data_choice, self.place.executor(), None
        if executor != LocalExecutor():  # which is slower than this process, that has the data
            train_all = ParallelTraining(executor, choice.request, log_line)
        return {
            "recipe": self.recipe,
            "data": choice.load(self.recipe.image_spec),
            "run_dir": self.run_dir,
            "train_all": train_all,
        }
