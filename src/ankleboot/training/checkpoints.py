"""Checkpoints: the state of a training run, and the policy of which file is written when."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.files import atomic_write, read_bytes
from ankleboot.models.architectures import build_model
from ankleboot.models.files import examined
from ankleboot.models.files.keras_file import load_network
from ankleboot.models.files.keras_seal import read_seal, sealed
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.early_stopping import kept_epoch, result_epoch
from ankleboot.training.engines.base import Engine, RunningMetrics
from ankleboot.training.tensorboard import TensorBoardWriter


@dataclass
class TrainingState:
    """Progress of a run; with the engine's state it decides all that follows."""

    epoch: int = 1  # the current one
    step: int = 0  # number of steps taken in it
    totals: RunningMetrics = RunningMetrics()  # of these steps
    epoch_seconds: float = 0.0  # spent in it before an interruption
    history: list[EpochRecord] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)  # seconds

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            self.stages[stage] = self.stages.get(stage, 0.0) + seconds

    def end_epoch(self, record: EpochRecord) -> None:
        """Append an epoch's metrics and move to the start of the next epoch."""
        self.history.append(record)
        self.epoch, self.step = self.epoch + 1, 0
        self.totals, self.epoch_seconds = RunningMetrics(), 0.0

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "TrainingState":
        """Rebuild a state from the document of `dataclasses.asdict`.

        Raises:
            ModelError: If a field is missing or invalid.
        """
        try:
            state = msgspec.convert(document, cls)
            if state.step < 0 or state.epoch != len(state.history) + 1:
                raise ValueError(f"epoch {state.epoch}, step {state.step}")
        except ValueError as error:  # of msgspec as well
            raise ModelError(f"the checkpoint holds another kind of progress ({error})") from error
        return state


class Checkpoints:
    """Saving policy of a run.

    After each epoch a thread writes the checkpoint, the history and the TensorBoard events, and
    `best.keras` if the epoch is the best so far. A signal adds a checkpoint within an epoch. After
    the last epoch `model.keras` is written: the last weights or the best, as the recipe says.

    Attributes:
        model: Network in float32 and in Keras' own layers, as the files hold it.
    """

    def __init__(
        self, run: Run, recipe: Recipe, num_classes: int, history: list[EpochRecord]
    ) -> None:
        self.model = build_model(recipe, num_classes=num_classes)
        self.run, self.recipe = run, recipe
        self._curves = TensorBoardWriter(run.folder / "tensorboard", history)
        self._best_weights: list[np.ndarray] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saving")
        self._pending: Future[None] | None = None

    def save_epoch(self, engine: Engine, state: TrainingState) -> bool:
        """Start to write an epoch's files; return whether it is the best so far."""
        history, document, arrays = tuple(state.history), asdict(state), engine.state()
        with engine.averaged():
            weights = engine.model.get_weights()
        is_best = kept_epoch(self.recipe, history) == len(history)
        if is_best:
            self._best_weights = weights

        def write() -> None:
            if is_best:
                self._write_model(weights, self.run.best_path)
            self.run.write_checkpoint(arrays, document)
            self.run.write_history(history)
            self._curves.add(history[-1])

        self.wait()
        self._pending = self._thread.submit(write)
        return is_best

    def save_step(self, arrays: dict[str, np.ndarray], state: TrainingState) -> None:
        """Write a checkpoint within an epoch."""
        self.wait()
        self.run.write_checkpoint(arrays, asdict(state))

    def save_result(self, engine: Engine, history: list[EpochRecord]) -> list[np.ndarray]:
        """Write the model file of the run; return its weights."""
        best = kept_epoch(self.recipe, history)
        num_validation = self.run.manifest()["split"]["num_validation"]
        if result_epoch(self.recipe, history, num_validation) == best:
            weights = self._take_best()
        else:
            with engine.averaged():
                weights = engine.model.get_weights()
            self._write_model(weights, self.run.model_path)
        for path in (self.run.best_path, self.run.model_path):
            examined.remember(path)  # loading what this machine wrote needs no examination
        return weights

    def _take_best(self) -> list[np.ndarray]:
        """Make the model of the best epoch the result; return its weights."""
        read_seal(self.run.best_path)  # raises if it is damaged
        atomic_write(self.run.model_path, read_bytes(self.run.best_path))
        if self._best_weights is None:  # an earlier process trained the best epoch
            self._best_weights = load_network(self.run.best_path).get_weights()
        return self._best_weights

    def wait(self) -> None:
        """Wait for the files of the last epoch, and raise the error of writing them."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """Wait for the files of the last epoch, ignoring errors, and end the thread."""
        self._thread.shutdown()

    def _write_model(self, weights: list[np.ndarray], path: Path) -> None:
        self.model.set_weights(weights)
        info = replace(self.run.metadata(), parameters=self.model.count_params())

        def write(temp: Path) -> None:
            self.model.save(temp)
            temp.write_bytes(sealed(temp.read_bytes(), info))

        # Keras writes in place, so that a kill would lose the old file and the new one
        atomic_write(path, write, suffix=".keras")
