"""Training loop: epochs, validation, checkpoints, and resuming with the same bits.

`fit` trains and nothing else; `train.train` adds calibration and figures. A killed run continues
with `resume_fit` and ends with the same bits as an unbroken one: `default_rng([seed, epoch])`
decides an epoch's order and augmentation, and the checkpoint holds all else that the next step
depends on.
"""

import gc
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import DivergedError, EnvironmentFailure, Interrupted
from ankleboot.core.files import sha256_of_file, write_json
from ankleboot.core.signals import StopFlag, stop_on_signal
from ankleboot.core.types import Features, Indices
from ankleboot.data.dataset import Dataset
from ankleboot.models.run import EpochRecord, Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training import data_loader
from ankleboot.training.callbacks import CallbackList, TrainingCallback, layer_summary
from ankleboot.training.checkpoints import Checkpoints, TrainingState, weights_sha256
from ankleboot.training.data_loader import EpochLoader, EpochPlan, Positions
from ankleboot.training.early_stopping import best_epoch, result_epoch, should_stop
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Engine, RunningMetrics
from ankleboot.training.manifest import make_manifest, verify_same_manifest
from ankleboot.training.run_dir import create_run, open_run

NUM_TRAIN_EVAL_IMAGES = 6_000  # training images evaluated after an epoch of hard examples
CALL_DURATION_S = 0.5  # seconds per call of the engine: delay of a signal and of the progress


def fit(
    recipe: Recipe, data: Dataset, run_dir: Path, callbacks: Iterable[TrainingCallback] = ()
) -> Run:
    """Train a recipe from the start in a new folder.

    Raises:
        UsageError: If `run_dir` exists and is not empty.
        DataError: If the split leaves no training or no validation images.
        DivergedError: If a loss is not finite; the last good checkpoint stays.
        Interrupted: On SIGINT or SIGTERM, after saving.
        EnvironmentFailure: If memory or disk do not suffice.
    """
    manifest = make_manifest(recipe, data)  # refuses impossible splits before a folder is made
    with create_run(run_dir) as run:
        run.start(recipe, manifest)
        _train(run, recipe, data, CallbackList(callbacks))
        return run


def resume_fit(run_dir: Path, data: Dataset, callbacks: Iterable[TrainingCallback] = ()) -> Run:
    """Continue a run from its last checkpoint; a complete run is returned as it is.

    Raises:
        ModelError: If data, split or versions are not those that the run started with (the message
            names each difference), the checkpoint is damaged, or another process trains there.
        Others: The errors of `fit`.
    """
    callback = CallbackList(callbacks)
    with open_run(run_dir) as run:
        for change in verify_same_manifest(run, data):
            callback.on_message(f"{change}: the last bits of the weights may differ")
        if run.is_complete:
            callback.on_message(f"{run_dir} is complete already")
        else:
            _train(run, run.recipe(), data, callback)
        return run


def _train(run: Run, recipe: Recipe, data: Dataset, callback: TrainingCallback) -> None:
    with ExitStack() as stack:
        stack.enter_context(_memory_errors(recipe))
        # TensorFlow's import leaves a million objects; collecting them while tracing took 0.2 s
        gc.freeze()
        stack.callback(gc.unfreeze)
        stop_flag = stack.enter_context(stop_on_signal())
        Trainer(run, recipe, data, callback, stop_flag).train()


class Trainer:
    """Training of a run in one process: loads the last checkpoint and trains what is missing."""

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        data: Dataset,
        callback: TrainingCallback,
        stop_flag: StopFlag,
    ) -> None:
        self._run, self._recipe, self._data = run, recipe, data
        self._callback, self._stop_flag = callback, stop_flag
        self._split = data.split(recipe.split_rule)
        self._state = TrainingState()
        self._order: Positions | None = None  # of the current epoch, once it has started
        self._steps_per_call = 0  # unknown before the first call
        checkpoint = run.read_checkpoint()
        if checkpoint:
            self._state = TrainingState.from_json(checkpoint[1])
            run.write_history(tuple(self._state.history))  # a kill may have prevented it
        state = self._state
        # the engine that saved: at an epoch's end it was that of the epoch before
        last_trained = state.epoch - (checkpoint is not None and state.step == 0)
        with state.timed("build"):
            self._engine = self._build_engine(frozen=last_trained <= recipe.head_epochs)
            self._checkpoints = Checkpoints(run, recipe, len(data.class_names), state.history)
        if checkpoint:
            self._order = checkpoint[0].pop("order", None)
            self._engine.restore(checkpoint[0])
        train = data.train
        self._loader = EpochLoader(
            recipe, train.images, train.labels, data.class_names, self._split.train
        )
        if state.epoch <= recipe.head_epochs:
            with state.timed("features"):
                self._loader = replace(self._loader, inputs=self._compute_features())

    def _build_engine(self, *, frozen: bool, model: keras.Model | None = None) -> Engine:
        num_train, num_classes = len(self._split.train), len(self._data.class_names)
        self._is_frozen = frozen
        return base.create_engine(self._recipe, num_train, num_classes, model=model, frozen=frozen)

    def _compute_features(self) -> Features:
        """Compute the frozen backbone's features; rows of images not in use stay zero."""
        images = self._data.train.images
        used = np.union1d(self._split.train, self._split.validation)
        size = data_loader.chunk_size(self._recipe)
        chunks = [
            self._engine.features(images[used[start : start + size]])
            for start in range(0, len(used), size)
        ]
        features = np.zeros((len(images), chunks[0].shape[1]), np.float32)
        features[used] = np.concatenate(chunks)
        return features

    def _unfreeze(self) -> None:
        """Continue with all layers, on images, after the epochs with a frozen backbone."""
        with self._state.timed("build"):
            self._engine = self._build_engine(frozen=False, model=self._engine.model)
        self._loader = replace(self._loader, inputs=self._data.train.images)
        self._steps_per_call = 0

    def train(self) -> None:
        """Train the missing epochs, and write the files of the finished run."""
        state, recipe = self._state, self._recipe
        self._callback.on_start(self._run, layer_summary(self._checkpoints.model), self._split)
        with closing(self._checkpoints):
            while state.epoch <= recipe.epochs and not should_stop(recipe, state.history):
                if self._is_frozen and state.epoch > recipe.head_epochs:
                    self._unfreeze()
                self._train_epoch()
                with state.timed("saving"):
                    is_best = self._checkpoints.save_epoch(self._engine, state)
                self._callback.on_epoch_end(state.history[-1], is_best)
                self._raise_if_stopped(f"after epoch {state.epoch - 1}")
            with state.timed("saving"):
                self._checkpoints.wait()
                weights = self._checkpoints.save_result(self._engine, state.history)
        write_json(self._run.folder / "result.json", self._result(weights))
        self._raise_if_stopped("after the last epoch, with everything saved")

    def _raise_if_stopped(self, moment: str) -> None:
        """Raise Interrupted if a signal arrived; all state must have been queued for saving."""
        if self._stop_flag.signum is not None:
            self._checkpoints.wait()
            message = f"stopped {moment}; continue with --resume {self._run.folder}"
            raise Interrupted(message, self._stop_flag.signum)

    def _train_epoch(self) -> None:
        """Train the rest of an epoch, validate, and move the state to the next epoch."""
        state, num_train = self._state, len(self._split.train)
        started = time.perf_counter() - state.epoch_seconds
        rates = data_loader.epoch_learning_rates(self._recipe, num_train, state.epoch)
        if self._order is None:
            losses = self._engine.losses()
            self._order = data_loader.epoch_order(self._recipe, num_train, state.epoch, losses)
        plan = EpochPlan(state.epoch, self._order, rates)
        with closing(self._loader.chunks(plan, state.step, self._engine.to_device)) as chunks:
            while state.step < len(rates):
                with state.timed("feed"):
                    chunk, first, last = next(chunks)
                while state.step < last:
                    self._train_steps(chunk, first, last)
                    self._callback.on_step_end(
                        state.epoch,
                        state.step,
                        len(rates),
                        state.totals.mean_loss,
                        state.totals.accuracy,
                    )
                    self._save_if_stopped(len(rates), started)
        state.end_epoch(self._evaluate_epoch(float(rates[-1]), started))
        self._order = None

    def _train_steps(self, chunk: Any, first: int, last: int) -> None:
        """Train about `CALL_DURATION_S` on a chunk that holds the steps `first` to `last`."""
        state, stage = self._state, "steps" if self._steps_per_call else "first_steps"
        end = min(state.step + max(self._steps_per_call, 1), last)
        if self._engine.compiles_every_length:
            end = last
        started = time.perf_counter()
        with state.timed(stage):
            totals = self._engine.train(chunk, state.step - first, end - first, state.totals)
        if not totals.is_finite:
            batch = math.ceil(totals.images / self._recipe.batch_size)
            raise self._diverged(f"the training loss became {totals.loss} in batch {batch}")
        seconds = time.perf_counter() - started
        self._steps_per_call = max(1, round(CALL_DURATION_S / seconds * (end - state.step)))
        state.step, state.totals = end, totals

    def _save_if_stopped(self, num_steps: int, started: float) -> None:
        state = self._state
        if self._stop_flag.signum is not None and self._order is not None:
            state.epoch_seconds = time.perf_counter() - started
            self._checkpoints.save_step(self._engine.state() | {"order": self._order}, state)
            self._raise_if_stopped(f"in epoch {state.epoch} after step {state.step} of {num_steps}")

    def _evaluate_epoch(self, learning_rate: float, started: float) -> EpochRecord:
        """Validate after an epoch, and measure training accuracy where its steps cannot."""
        with self._state.timed("evaluation"):
            validation = self._evaluate(self._split.validation)
            train, indices = self._state.totals, self._split.train
            if self._recipe.hard_example_fraction < 1:  # the steps saw the hardest images alone
                sample = np.linspace(0, len(indices) - 1, NUM_TRAIN_EVAL_IMAGES, dtype=int)
                train = self._evaluate(indices[np.unique(sample)])
        if not validation.is_finite:
            raise self._diverged(f"the validation loss became {validation.loss}")
        return EpochRecord(
            epoch=self._state.epoch,
            train_loss=train.mean_loss,
            train_accuracy=train.accuracy,
            validation_loss=validation.mean_loss,
            validation_accuracy=validation.accuracy,
            learning_rate=learning_rate,
            seconds=time.perf_counter() - started,
        )

    def _evaluate(self, indices: Indices) -> RunningMetrics:
        """Evaluate images of the training file, a chunk at a time."""
        totals, size = RunningMetrics(), data_loader.chunk_size(self._recipe)
        for start in range(0, len(indices), size):
            rows = indices[start : start + size]
            totals += self._engine.evaluate(self._loader.inputs[rows], self._loader.labels[rows])
        return totals

    def _diverged(self, event: str) -> DivergedError:
        self._checkpoints.wait()
        checkpoint = self._run.checkpoint_path
        kept = f"the last good state is kept in {checkpoint}"
        return DivergedError(
            f"{event} of epoch {self._state.epoch}; lower learning_rate "
            f"(it is {self._recipe.learning_rate:g}); "
            + (kept if checkpoint.exists() else "there is no checkpoint yet")
        )

    def _result(self, weights: list[np.ndarray]) -> dict[str, Any]:
        """Return the document of result.json."""
        recipe, history, stages = self._recipe, self._state.history, self._state.stages
        record = history[result_epoch(recipe, history) - 1]
        return {
            "recipe": recipe.name,
            "seed": recipe.seed,
            "data": self._data.name,
            "parameters": self._engine.model.count_params(),
            "epochs": len(history),
            "best_epoch": best_epoch(history, recipe.monitor),
            "model_epoch": record.epoch,
            "train_seconds": round(sum(stages.values()), 3),
            "stages": {name: round(seconds, 3) for name, seconds in stages.items()},
            "train": {"accuracy": record.train_accuracy, "loss": record.train_loss},
            "validation": {"accuracy": record.validation_accuracy, "loss": record.validation_loss},
            "model_sha256": sha256_of_file(self._run.model_path),
            "weights_sha256": weights_sha256(weights),
        }


@contextmanager
def _memory_errors(recipe: Recipe) -> Iterator[None]:
    """Replace the out-of-memory errors of the backends by one with advice."""
    try:
        yield
    except Exception as error:
        if not base.is_out_of_memory(error):
            raise
        raise EnvironmentFailure(
            f"out of memory: try a smaller batch_size (it is {recipe.batch_size})"
        ) from error
