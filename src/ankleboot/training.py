"""Make a Run from a Recipe: train, validate, checkpoint, and survive being killed.

    run = train(RECIPES["leaky"], load(), Path("runs/first"))

A killed run continues with `resume` and ends with the same bits as an unbroken one, because an
epoch's order and augmentation come from `default_rng([seed, epoch])`, and the checkpoint holds all
else that the next step depends on.
"""

import hashlib
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot import environment, optimizers
from ankleboot.data import Dataset
from ankleboot.data.augment import augment
from ankleboot.data.splits import Split, split
from ankleboot.engine import Engine, Epoch, Totals
from ankleboot.errors import DivergedError, EnvironmentFailure, ModelError, StoppedBySignal
from ankleboot.files import atomic_write, sha256_of_file, write_json
from ankleboot.observer import LayerSummary, Observer, Silent
from ankleboot.recipes import Recipe
from ankleboot.runs import EpochRecord, History, Run, existing_run, new_run
from ankleboot.signals import StopRequest, stop_on_signal

SECONDS_PER_CALL = 0.5  # of the engine: how soon a signal is heeded and the progress moves


@dataclass
class _Progress:
    """Where a run stands; together with the engine's state it decides all that follows."""

    epoch: int = 1  # the one in progress, from 1
    step: int = 0  # steps taken in it
    totals: Totals = Totals()
    epoch_seconds: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "_Progress":
        """Rebuild what `to_json` returned.

        Raises:
            ModelError: If it is something else.
        """
        try:
            records = [EpochRecord(**record) for record in document["history"]]
            rest = {"totals": Totals(**document["totals"]), "history": records}
            return cls(**(document | rest))
        except (KeyError, TypeError) as error:
            raise ModelError(f"the checkpoint holds another kind of progress ({error})") from error


def train(recipe: Recipe, data: Dataset, run_dir: Path, observer: Observer | None = None) -> Run:
    """Train a recipe from the start in a new folder.

    Raises:
        UsageError: If `run_dir` exists and is not empty.
        DataError: If the split leaves a part empty.
        DivergedError: If a loss is not finite; the last good checkpoint stays.
        StoppedBySignal: On SIGINT or SIGTERM, after saving.
        EnvironmentFailure: If memory or disk do not suffice.
    """
    manifest = _manifest(recipe, data)  # refuses impossible splits before a folder is made
    with new_run(run_dir) as run:
        run.begin(recipe, manifest)
        return _run(run, recipe, data, observer or Silent())


def resume(run_dir: Path, data: Dataset, observer: Observer | None = None) -> Run:
    """Continue a run where its last checkpoint left it; a complete run is returned as it is.

    Raises:
        ModelError: If data, split or versions are not those the run began with (each difference is
            named), the checkpoint is damaged, or another process is training there.
        Others: As `train`.
    """
    observer = observer or Silent()
    with existing_run(run_dir) as run:
        recipe = run.recipe()
        then, now = run.manifest(), _manifest(recipe, data)
        if changes := _differences({k: then.get(k) for k in FIXED}, {k: now[k] for k in FIXED}):
            raise ModelError(
                f"{run_dir}: cannot resume, {'; '.join(changes)}. Restore that, or start a new run"
            )
        free = ("hardware", "git_commit")
        for change in _differences({k: then.get(k) for k in free}, {k: now[k] for k in free}):
            observer.noted(f"{change}: the last bits of the weights may differ")
        if run.is_complete:
            observer.noted(f"{run_dir} is complete already")
            return run
        return _run(run, recipe, data, observer)


FIXED = ("recipe", "data", "split", "versions")
"""Parts of the manifest that must not change between start and resume."""


def _manifest(recipe: Recipe, data: Dataset) -> dict[str, Any]:
    parts = split(data.train.labels, recipe)
    return {
        "format": 1,
        "recipe": recipe.to_json(),
        "data": {"name": data.name, "train_sha256": data.train_sha256},
        "split": {
            "sha256": parts.sha256,
            "num_train": len(parts.train),
            "num_validation": len(parts.validation),
        },
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "git_commit": environment.git_commit(),
        "data_source": data.source,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _differences(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key in sorted(then.keys() | now.keys()):
        a, b = then.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key} was {a} and is {b}")
    return found


def _run(run: Run, recipe: Recipe, data: Dataset, observer: Observer) -> Run:
    with _memory_errors(recipe), stop_on_signal() as request:
        engine, progress = Engine(recipe), _Progress()
        if checkpoint := run.read_checkpoint():
            engine.restore(checkpoint[0])
            progress = _Progress.from_json(checkpoint[1])
            run.write_history(tuple(progress.history))  # a kill may have come between the two
        parts = split(data.train.labels, recipe)
        observer.started(run, summarise(engine.model), parts)
        curves = _Curves(run.folder / "tensorboard", progress.history)
        while progress.epoch <= recipe.epochs and not _is_over(recipe, progress.history):
            _train_epoch(run, recipe, data, parts, engine, progress, observer, request)
            is_best = best_epoch(progress.history, recipe.monitor) == len(progress.history)
            if is_best:
                save_model(engine.model, run.best_path)
            run.write_checkpoint(engine.state(), progress.to_json())
            run.write_history(tuple(progress.history))
            curves.add(progress.history[-1])
            observer.epoch_ended(progress.history[-1], is_best)
            _heed(request, run, f"after epoch {progress.epoch - 1}")
        curves.close()
        _finish(run, recipe, data, engine, tuple(progress.history))
        _heed(request, run, "after the last epoch, with everything saved")
    return run


def _heed(request: StopRequest, run: Run, where: str) -> None:
    """Stop if a signal has come; whatever happened so far must have been saved."""
    if request.signum is not None:
        message = f"stopped {where}; continue with --resume {run.folder}"
        raise StoppedBySignal(message, request.signum)


def _train_epoch(
    run: Run,
    recipe: Recipe,
    data: Dataset,
    parts: Split,
    engine: Engine,
    progress: _Progress,
    observer: Observer,
    request: StopRequest,
) -> None:
    """Train one epoch, or the rest of it, validate, and move `progress` to the next one."""
    started = time.perf_counter() - progress.epoch_seconds
    num_steps = math.ceil(len(parts.train) / recipe.batch_size)
    rates = optimizers.rates(recipe, num_steps)[(progress.epoch - 1) * num_steps :][:num_steps]
    generator = np.random.default_rng([recipe.seed, progress.epoch])
    order = generator.permutation(parts.train)
    images = augment(data.train.images[order], recipe, generator)
    epoch = Epoch(images, data.train.labels[order], rates)

    num_calls_steps = 1
    while progress.step < num_steps:
        last = min(progress.step + num_calls_steps, num_steps)
        call_started = time.perf_counter()
        totals = engine.train(epoch, progress.step, last, progress.totals)
        if not totals.is_finite:
            batch = math.ceil(totals.images / recipe.batch_size)
            raise _diverged(
                run, recipe, f"the training loss became {totals.loss} in batch {batch}", progress
            )
        seconds = time.perf_counter() - call_started
        num_calls_steps = max(1, round(SECONDS_PER_CALL / seconds * (last - progress.step)))
        progress.step, progress.totals = last, totals
        observer.stepped(progress.epoch, last, num_steps, totals.mean_loss, totals.accuracy)
        if request.signum is not None:
            progress.epoch_seconds = time.perf_counter() - started
            run.write_checkpoint(engine.state(), progress.to_json())
            _heed(request, run, f"in epoch {progress.epoch} after step {last} of {num_steps}")

    validation = engine.evaluate(
        data.train.images[parts.validation], data.train.labels[parts.validation]
    )
    if not validation.is_finite:
        raise _diverged(run, recipe, f"the validation loss became {validation.loss}", progress)
    progress.history.append(
        EpochRecord(
            epoch=progress.epoch,
            train_loss=progress.totals.mean_loss,
            train_accuracy=progress.totals.accuracy,
            validation_loss=validation.mean_loss,
            validation_accuracy=validation.accuracy,
            learning_rate=float(rates[-1]),
            seconds=time.perf_counter() - started,
        )
    )
    progress.epoch, progress.step = progress.epoch + 1, 0
    progress.totals, progress.epoch_seconds = Totals(), 0.0


def _diverged(run: Run, recipe: Recipe, what: str, progress: _Progress) -> DivergedError:
    checkpoint = run.checkpoint_path
    kept = f"the last good state is kept in {checkpoint}"
    return DivergedError(
        f"{what} of epoch {progress.epoch}; lower learning_rate (it is {recipe.learning_rate:g}); "
        + (kept if checkpoint.exists() else "there is no checkpoint yet")
    )


def best_epoch(history: History | list[EpochRecord], monitor: str) -> int:
    """Number of the first epoch with the lowest validation loss (or highest accuracy)."""
    if monitor == "accuracy":
        return max(history, key=lambda record: record.validation_accuracy).epoch
    return min(history, key=lambda record: record.validation_loss).epoch


def _is_over(recipe: Recipe, history: list[EpochRecord]) -> bool:
    """Whether early stopping has lost its patience."""
    if not (recipe.early_stopping and history):
        return False
    return len(history) - best_epoch(history, recipe.monitor) >= recipe.early_stopping


def _finish(run: Run, recipe: Recipe, data: Dataset, engine: Engine, history: History) -> None:
    """Write the model and its numbers: the last epoch's, or the best one's with early stopping."""
    best = best_epoch(history, recipe.monitor)
    model, record = engine.model, history[-1]
    if recipe.early_stopping and best != record.epoch:
        atomic_write(run.model_path, run.best_path.read_bytes())
        model, record = keras.models.load_model(run.best_path), history[best - 1]
    else:
        save_model(model, run.model_path)
    write_json(
        run.folder / "result.json",
        {
            "recipe": recipe.name,
            "seed": recipe.seed,
            "data": data.name,
            "parameters": model.count_params(),
            "epochs": len(history),
            "best_epoch": best,
            "model_epoch": record.epoch,
            "train_seconds": round(sum(r.seconds for r in history), 3),
            "train": {"accuracy": record.train_accuracy, "loss": record.train_loss},
            "validation": {"accuracy": record.validation_accuracy, "loss": record.validation_loss},
            "model_sha256": sha256_of_file(run.model_path),
            "weights_sha256": weights_sha256(model),
        },
    )


def save_model(model: Any, path: Path) -> None:
    """Save a Keras model in one step (Keras itself writes in place: a kill would lose both)."""
    atomic_write(path, lambda temp: model.save(temp), suffix=".keras")


def weights_sha256(model: Any) -> str:
    """Hash of all weights bit by bit; the .keras file itself holds a date."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def summarise(model: Any) -> list[LayerSummary]:
    """The layers in order, the input left out."""
    return [
        LayerSummary(layer.name, type(layer).__name__, layer.output.shape[1:], layer.count_params())
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]


class _Curves:
    """TensorBoard's event files, written anew from the history whenever a process starts."""

    def __init__(self, folder: Path, history: list[EpochRecord]) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        with self._disk_errors():
            self._writers = {
                part: tf.summary.create_file_writer(str(folder / part))
                for part in ("train", "validation")
            }
        for record in history:
            self.add(record)

    def add(self, record: EpochRecord) -> None:
        with self._disk_errors():
            for part, writer in self._writers.items():
                with writer.as_default(step=record.epoch):
                    tf.summary.scalar("loss", getattr(record, f"{part}_loss"))
                    tf.summary.scalar("accuracy", getattr(record, f"{part}_accuracy"))
                writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        """TensorFlow has its own words for a full disk; they must not pass for lack of memory."""
        try:
            yield
        except tf.errors.OpError as error:
            raise EnvironmentFailure(f"cannot write {self._folder}: {error.message}") from error


@contextmanager
def _memory_errors(recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise EnvironmentFailure(
            f"out of memory: try a smaller batch_size (it is {recipe.batch_size})"
        ) from error
