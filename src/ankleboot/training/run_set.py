"""Runs that belong together, such as the folds of a cross-validation, in one folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ankleboot.core.errors import Interrupted, UsageError
from ankleboot.core.files import temp_files
from ankleboot.data.dataset import Dataset
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.train import train_or_resume

TrainAll = Callable[[Sequence[Recipe], Sequence[Path], Sequence[str]], None]
"""Function that trains the runs that are not complete: recipes, folders, classes in order."""


@dataclass(frozen=True)
class RunSet:
    """Folder with a run for each recipe, and files about all of them.

    Attributes:
        kind: What the folder is, for messages.
        part: Name of a run's folder before its number.
        files: Names of the files about all runs.
    """

    folder: Path
    kind: str
    part: str
    recipes: Sequence[Recipe]
    numbers: Sequence[int]
    files: tuple[str, ...]

    @property
    def run_dirs(self) -> list[Path]:
        """Folders of the runs."""
        return [self.folder / f"{self.part}-{number}" for number in self.numbers]

    def refuse_content(self) -> None:
        """Refuse a folder that holds anything but the files of this set.

        Raises:
            UsageError: If it does.
        """
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise UsageError(
                f"--run-dir {self.folder}: expected a folder, this is a file; name another"
            )
        own = {".lock", *self.files, *(path.name for path in self.run_dirs)}
        own |= {path.name for path in temp_files(self.folder)}
        if others := sorted({path.name for path in self.folder.iterdir()} - own):
            raise UsageError(
                f"--run-dir {self.folder}: not {self.kind}, it has {others[0]}; name another folder"
            )

    def in_first_order(self, data: Dataset) -> Dataset:
        """Number the classes as the first run of a folder to continue does, if it has begun."""
        first = Run(self.run_dirs[0])
        if not (first.folder / "recipe.json").is_file():
            return data
        return data.in_class_order(first.manifest().get("labels", data.class_names))

    def refuse_other_runs(self, data: Dataset) -> None:
        """Refuse to continue a folder that another recipe or other data began.

        Raises:
            ModelError: If one did.
        """
        from ankleboot.training.manifest import verify_same_manifest  # Keras

        for recipe, run_dir in zip(self.recipes, self.run_dirs, strict=True):
            if (run_dir / "recipe.json").is_file():
                verify_same_manifest(Run(run_dir), data, recipe)

    def train(
        self,
        data: Dataset,
        callbacks: tuple[TrainingCallback, ...],
        train_all: TrainAll | None = None,
    ) -> Iterator[Run]:
        """Train the runs that are not complete, and yield all in order.

        Args:
            data: Data set of all runs.
            callbacks: Receivers of the events of training in this process.
            train_all: Function that trains all; None to train one after the other in this process.

        Raises:
            Interrupted: On SIGINT or SIGTERM, after saving; the message says how to continue.
            Others: The errors of `train`.
        """
        where = ""
        try:
            if train_all is not None:
                train_all(self.recipes, self.run_dirs, data.class_names)
            for position, number in enumerate(self.numbers):
                where = f" in {self.part} {number}, {position + 1} of {len(self.numbers)}"
                recipe, run_dir = self.recipes[position], self.run_dirs[position]
                yield train_or_resume(recipe, data, run_dir, callbacks)
        except Interrupted as error:
            raise Interrupted(
                f"stopped{where}; repeat the command with --run-dir {self.folder} to continue",
                error.signum,
            ) from error
