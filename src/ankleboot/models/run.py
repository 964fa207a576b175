"""The run folder: everything a training run leaves behind, each file whole at any moment.

recipe.json       what was asked for; rebuilds the Recipe exactly
manifest.json     what it ran on: data and split hashes, versions, threads, CPU, commit
checkpoint.npz    the state that --resume continues from, written after every epoch
best.keras        the best epoch on validation images so far
history.csv       one line per epoch      tensorboard/   the same for TensorBoard
model.keras       the result, written at the end
result.json       its numbers and hashes; exists once the run is complete
calibration.json  temperature and threshold for abstaining, fitted on validation images
test_reads.json   how often the test split was looked at (test_reads.py)
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.files import (
    DAMAGED_ZIP,
    atomic_write,
    file_lock,
    make_folder,
    remove_temp_files,
    sha256_of_file,
    temp_files,
    write_json,
)
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.files.calibration import from_json as calibration_from_json
from ankleboot.recipes.recipe import Recipe, from_json


@dataclass(frozen=True)
class EpochRecord:
    """One line of the history; losses are mean cross-entropies, accuracies fractions.

    The training figures are means over the epoch while the weights were still changing (as Keras
    reports them), the validation figures are taken at its end. Where the recipe trains on the
    hardest images, the training figures are taken at the end too, on a sample of all.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float


NUMBERS = [field.name for field in fields(EpochRecord) if field.name != "epoch"]

History = tuple[EpochRecord, ...]


@dataclass(frozen=True)
class Run:
    """A run folder and where things are in it."""

    folder: Path

    @property
    def model_path(self) -> Path:
        return self.folder / "model.keras"

    @property
    def best_path(self) -> Path:
        return self.folder / "best.keras"

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.npz"

    @property
    def calibration_path(self) -> Path:
        return self.folder / "calibration.json"

    @property
    def is_complete(self) -> bool:
        return (self.folder / "result.json").is_file()

    def recipe(self) -> Recipe:
        """The recipe that made the run."""
        try:
            return from_json(self._read("recipe.json"))
        except UsageError as error:
            raise ModelError(f"{self.folder / 'recipe.json'}: {error}") from error

    def manifest(self) -> dict[str, Any]:
        """The circumstances of the run."""
        return self._read("manifest.json", "data", "data_source")

    def result(self) -> dict[str, Any]:
        """The numbers of the finished run."""
        return self._read("result.json", "model_sha256", "best_epoch", "train", "validation")

    def calibration(self) -> Calibration | None:
        """Temperature and threshold, or None if they were not fitted yet."""
        if not self.calibration_path.exists():
            return None
        return calibration_from_json(self._read("calibration.json"), self.calibration_path)

    def history(self) -> History:
        """The epochs so far."""
        try:
            with (self.folder / "history.csv").open(newline="") as file:
                return tuple(
                    EpochRecord(
                        **{name: float(row[name]) for name in NUMBERS}, epoch=int(row["epoch"])
                    )
                    for row in csv.DictReader(file)
                )
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{self.folder}/history.csv: missing or damaged ({error!r})"
            ) from error

    def _read(self, name: str, *keys: str) -> dict[str, Any]:
        try:
            document = json.loads((self.folder / name).read_text())
        except OSError as error:
            raise ModelError(f"{self.folder}: not a run folder, {name} is missing") from error
        except ValueError as error:
            raise ModelError(f"{self.folder / name}: damaged ({error})") from error
        if not isinstance(document, dict):
            raise ModelError(f"{self.folder / name}: damaged (not a JSON object)")
        if missing := [key for key in keys if key not in document]:
            raise ModelError(f"{self.folder / name}: damaged ({', '.join(missing)} missing)")
        return document

    def begin(self, recipe: Recipe, manifest: Mapping[str, Any]) -> None:
        """Write what is known before the first step."""
        write_json(self.folder / "manifest.json", manifest)
        write_json(self.folder / "recipe.json", recipe.to_json())  # last: now it is a run

    def write_history(self, history: History) -> None:
        """Replace history.csv."""
        text = io.StringIO()
        writer = csv.DictWriter(
            text, [field.name for field in fields(EpochRecord)], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(asdict(record) for record in history)
        atomic_write(self.folder / "history.csv", text.getvalue().encode())

    def write_checkpoint(
        self, arrays: Mapping[str, np.ndarray], progress: Mapping[str, Any]
    ) -> None:
        """Replace the checkpoint: one file, so that weights and progress never disagree."""
        buffer = io.BytesIO()
        text = np.frombuffer(json.dumps(progress).encode(), np.uint8)
        named = {_escape(key): value for key, value in arrays.items()} | {"progress": text}
        np.savez(buffer, allow_pickle=False, **named)
        atomic_write(self.checkpoint_path, buffer.getvalue())

    def read_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The arrays and the progress last written, or None before the first checkpoint.

        Raises:
            ModelError: If the file is damaged (every array has a checksum).
        """
        path = self.checkpoint_path
        if not path.exists():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {_unescape(key): archive[key] for key in archive.files}
            return arrays, json.loads(arrays.pop("progress").tobytes())
        except DAMAGED_ZIP as error:
            raise ModelError(f"{path}: damaged checkpoint ({error})") from error

    def check_model(self) -> Path:
        """Return the path of the finished model after checking its hash.

        Raises:
            ModelError: If the run is not complete, or the file is not the one it wrote.
        """
        if not self.is_complete:
            self.recipe()  # says so if this is no run folder at all
            raise ModelError(
                f"{self.folder}: the run is not complete; finish it with --resume {self.folder}, "
                f"or name {self.best_path.name} in it"
            )
        expected = self.result()["model_sha256"]
        if not self.model_path.is_file() or sha256_of_file(self.model_path) != expected:
            raise ModelError(
                f"{self.model_path}: missing, or not the file that training wrote (sha256)"
            )
        return self.model_path


# The names of variables hold slashes, which would become folders inside the archive.
def _escape(key: str) -> str:
    return key.replace("%", "%25").replace("/", "%2F")


def _unescape(key: str) -> str:
    return key.replace("%2F", "/").replace("%25", "%")


@contextmanager
def create_run(folder: Path) -> Iterator[Run]:
    """Create a run folder and hold its lock.

    Raises:
        UsageError: If something is there already; runs are never overwritten.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--run-dir {folder}: a file of that name is in the way")
    make_folder(folder)
    _refuse_content(folder)  # before anything of ours is left in somebody else's folder
    with _locked(folder) as run:
        _refuse_content(folder)  # another process may have come first
        remove_temp_files(folder)
        yield run


def _refuse_content(folder: Path) -> None:
    # recipe.json is written last: with nothing but these, an earlier attempt never began
    ours = {".lock", "manifest.json", *(path.name for path in temp_files(folder))}
    if {path.name for path in folder.iterdir()} - ours:
        raise UsageError(
            f"--run-dir {folder}: not empty; name another folder, or continue it with --resume"
        )


@contextmanager
def open_run(folder: Path) -> Iterator[Run]:
    """Open a run folder to continue it, and hold its lock.

    Raises:
        ModelError: If it is not a run folder, or another process is training in it.
    """
    if not folder.is_dir():
        raise ModelError(f"--resume {folder}: no such run folder")
    run = Run(folder)
    run.recipe()
    with _locked(folder):
        remove_temp_files(folder)
        yield run


@contextmanager
def _locked(folder: Path) -> Iterator[Run]:
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(folder / ".lock", wait=False))
        except filelock.Timeout as error:
            raise ModelError(f"{folder}: another process is training in this folder") from error
        yield Run(folder)


def next_run_dir(base: Path, recipe: Recipe) -> Path:
    """A new name below `base`: recipe, seed and a counter (not a clock: clocks jump)."""
    stem = f"{recipe.name}-seed{recipe.seed}"
    counter = 1
    while (base / f"{stem}-{counter:03d}").exists():
        counter += 1
    return base / f"{stem}-{counter:03d}"


def find_run(path: Path) -> Run | None:
    """The run that a model file or folder belongs to, if any."""
    folder = path if path.is_dir() else path.parent
    if not (folder / "recipe.json").is_file():
        return None
    run = Run(folder)
    run.recipe()  # a damaged one is said, not passed over
    return run
