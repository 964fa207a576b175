"""Training loop: epochs, validation, checkpoints, and resuming with the same bits.

`fit` trains and nothing else; `train.train` adds calibration and figures. A killed run continues
with `resume_fit` and ends with the same bits as an unbroken one: `default_rng([seed, epoch])`
decides an epoch's order and augmentation, and the checkpoint holds all else that the next step
depends on.
"""

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import EnvironmentFailure, Interrupted
from ankleboot.core.files import sha256_of, write_json
from ankleboot.core.garbage import old_objects_skipped
from ankleboot.core.signals import StopFlag, stop_on_signal
from ankleboot.core.types import Features, Indices, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.models.files.calibration import apply_temperature
from ankleboot.models.files.keras_seal import model_sha256
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.models.run_dir import create_run, open_run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training import data_loader
from ankleboot.training.callbacks import TrainingCallback, layer_summary
from ankleboot.training.checkpoints import Checkpoints, TrainingState
from ankleboot.training.class_counts import describe_counts
from ankleboot.training.data_loader import EpochLoader, Positions
from ankleboot.training.divergence import verify_finite
from ankleboot.training.early_stopping import kept_epoch, result_epoch, should_stop
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Engine, RunningMetrics
from ankleboot.training.loss import class_weights
from ankleboot.training.manifest import make_manifest, verify_same_manifest
from ankleboot.training.teacher import describe_known, describe_teacher, teacher_probs
from ankleboot.training.warm_start import describe_parent, load_parent

NUM_TRAIN_EVAL_IMAGES = 6_000  # training images evaluated after an epoch of hard examples
CALL_DURATION_S = 0.5  # seconds per call of the engine: delay of a signal and of the progress


def fit(
    recipe: Recipe,
    data: Dataset,
    run_dir: Path,
    callbacks: Iterable[TrainingCallback] = (),
    parent: Run | None = None,
) -> Run:
    """Train a recipe from the start in a new folder; for the errors see `train.train`."""
    manifest = make_manifest(recipe, data)  # refuses impossible splits before a folder is made
    if parent is not None:
        manifest["parent"] = describe_parent(parent, recipe, data)
    if recipe.teacher:
        manifest["teacher"] = describe_teacher(recipe, data)
    with create_run(run_dir) as run:
        changes = data.label_changes
        run.start(recipe, manifest, changes.content if changes else None)
        _train(run, recipe, data, tuple(callbacks))
        return run


def resume_fit(run_dir: Path, data: Dataset, callbacks: Iterable[TrainingCallback] = ()) -> Run:
    """Continue a run from its last checkpoint; return a complete run as it is.

    For the errors see `train.resume`.
    """
    callbacks = tuple(callbacks)
    with open_run(run_dir) as run:
        changes = verify_same_manifest(run, data)
        messages = [f"{change}: the last bits of the weights may differ" for change in changes]
        if run.is_complete:
            messages.append(f"{run_dir} is complete already")
        for message in messages:
            for callback in callbacks:
                callback.on_message(message)
        if not run.is_complete:
            _train(run, run.recipe(), data, callbacks)
        return run


def _train(
    run: Run, recipe: Recipe, data: Dataset, callbacks: tuple[TrainingCallback, ...]
) -> None:
    try:
        with old_objects_skipped(), stop_on_signal() as stop_flag:
            Trainer(run, recipe, data, callbacks, stop_flag).train()
    except Exception as error:
        if not isinstance(error, Interrupted) and not (run.folder / "recipe.json").exists():
            raise EnvironmentFailure(f"{run.folder}: removed during the training") from error
        if not base.is_out_of_memory(error):
            raise
        raise EnvironmentFailure(
            f"out of memory: try a smaller batch_size (it is {recipe.batch_size})"
        ) from error


class Trainer:
    """Training of a run in one process: loads the last checkpoint and trains what is missing."""

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        data: Dataset,
        callbacks: tuple[TrainingCallback, ...],
        stop_flag: StopFlag,
    ) -> None:
        self._run, self._recipe, self._data = run, recipe, data
        self._callbacks, self._stop_flag = callbacks, stop_flag
        self._split = data.split(recipe.split_rule)
        self._order: Positions | None = None  # of the current epoch, once it has started
        self._steps_per_call = 0  # unknown before the first call
        checkpoint = run.read_checkpoint()
        state = TrainingState.from_json(checkpoint[1]) if checkpoint else TrainingState()
        self._state = state
        # the engine that saved: at an epoch's end it was that of the epoch before
        last_trained = state.epoch - (checkpoint is not None and state.step == 0)
        with state.timed("build"):
            self._engine = self._build_engine(frozen=last_trained <= recipe.head_epochs)
            self._checkpoints = Checkpoints(run, recipe, len(data.class_names), state.history)
        self._messages = [*data.split_notes(recipe.split_rule)]
        self._messages += describe_counts(data, self._split, recipe)
        self._messages += data_loader.describe_rate(recipe, len(self._split.train))
        self._messages += describe_known(run.manifest())
        if checkpoint is None and (parent := run.manifest().get("parent")):
            self._messages.append(load_parent(self._engine.model, parent, data.class_names))
        if checkpoint:
            run.write_history(tuple(state.history))  # a kill may have prevented it
            self._order = checkpoint[0].pop("order", None)
            self._engine.restore(checkpoint[0])
        train = data.train
        teacher = self._teacher_targets() if recipe.teacher else None
        self._loader = EpochLoader(
            recipe, train.images, train.labels, data.class_names, self._split.train, teacher
        )
        if state.epoch <= recipe.head_epochs:
            with state.timed("features"):
                self._loader = replace(self._loader, inputs=self._compute_features())

    def _build_engine(self, *, frozen: bool, model: keras.Model | None = None) -> Engine:
        num_train, num_classes = len(self._split.train), len(self._data.class_names)
        labels = self._data.train.labels[self._split.train]
        weights = class_weights(self._recipe.class_weights, labels, num_classes)
        return base.engine_class()(
            self._recipe, num_train, num_classes, model=model, frozen=frozen, weights=weights
        )

    def _teacher_targets(self) -> Probs:
        """Predict the training images by the recipe's teacher, softened."""
        entry = self._run.manifest()["teacher"]
        with self._state.timed("teacher"):
            probs = teacher_probs(self._recipe, entry, self._data, self._split.train)
            return apply_temperature(probs, self._recipe.distillation_temperature)

    def _compute_features(self) -> Features:
        """Compute the frozen backbone's features; rows of images not in use stay zero."""
        images = self._data.train.images
        used = np.union1d(self._split.train, self._split.validation)
        chunks = data_loader.split_chunks(self._recipe, used)
        computed = np.concatenate([self._engine.features(images[rows]) for rows in chunks])
        features = np.zeros((len(images), computed.shape[1]), np.float32)
        features[used] = computed
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
        layers = layer_summary(self._checkpoints.model)
        for callback in self._callbacks:
            callback.on_start(self._run, layers, self._split)
            for message in self._messages:
                callback.on_message(message)
        with closing(self._checkpoints):
            while state.epoch <= recipe.epochs and not should_stop(recipe, state.history):
                if self._engine.frozen and state.epoch > recipe.head_epochs:
                    self._unfreeze()
                self._train_epoch()
                with state.timed("saving"):
                    is_best = self._checkpoints.save_epoch(self._engine, state)
                for callback in self._callbacks:
                    callback.on_epoch_end(state.history[-1], is_best)
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
        to_device = self._engine.to_device
        chunks = self._loader.chunks(state.epoch, self._order, rates, state.step, to_device)
        with closing(chunks):
            while state.step < len(rates):
                with state.timed("feed"):
                    chunk, first, last = next(chunks)
                while state.step < last:
                    self._train_steps(chunk, first, last)
                    means = state.totals.mean_loss, state.totals.accuracy
                    for callback in self._callbacks:
                        callback.on_step_end(state.epoch, state.step, len(rates), *means)
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
        verify_finite(totals, "training", state.epoch, self._checkpoints)
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
        with self._state.timed("evaluation"), self._engine.averaged():
            validation = self._evaluate(self._split.validation)
            train, indices = self._state.totals, self._split.train
            if self._recipe.hard_example_fraction < 1:  # the steps saw the hardest images alone
                sample = np.linspace(0, len(indices) - 1, NUM_TRAIN_EVAL_IMAGES, dtype=int)
                train = self._evaluate(indices[np.unique(sample)])
        verify_finite(validation, "validation", self._state.epoch, self._checkpoints)
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
        totals = RunningMetrics()
        for rows in data_loader.split_chunks(self._recipe, indices):
            totals += self._engine.evaluate(self._loader.inputs[rows], self._loader.labels[rows])
        return totals

    def _result(self, weights: list[np.ndarray]) -> dict[str, Any]:
        """Return the document of result.json."""
        recipe, history, stages = self._recipe, self._state.history, self._state.stages
        record = history[result_epoch(recipe, history, len(self._split.validation)) - 1]
        return {
            "recipe": recipe.name,
            "seed": recipe.seed,
            "data": self._data.name,
            "parameters": self._engine.model.count_params(),
            "epochs": len(history),
            "best_epoch": kept_epoch(recipe, history),
            "model_epoch": record.epoch,
            "train_seconds": round(sum(stages.values()), 3),
            "stages": {name: round(seconds, 3) for name, seconds in stages.items()},
            "train": {"accuracy": record.train_accuracy, "loss": record.train_loss},
            "validation": {"accuracy": record.validation_accuracy, "loss": record.validation_loss},
            "model_sha256": model_sha256(self._run.model_path),
            # of all bits; the .keras file itself holds a date
            "weights_sha256": sha256_of(b"".join(weight.tobytes() for weight in weights)),
        }
