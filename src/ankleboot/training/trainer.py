"""Make a Run from a Recipe: train, validate, checkpoint, and survive being killed.

    run = train(RECIPES["leaky"], load(), Path("runs/first"))

A killed run continues with `resume` and ends with the same bits as an unbroken one, because an
epoch's order and augmentation come from `default_rng([seed, epoch])`, and the checkpoint holds all
else that the next step depends on.
"""

import gc
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import DivergedError, EnvironmentFailure, Interrupted, ModelError
from ankleboot.core.files import atomic_write, sha256_of_file, write_json
from ankleboot.core.signals import StopFlag, stop_on_signal
from ankleboot.core.types import Features, Images, Indices
from ankleboot.data.dataset import Dataset
from ankleboot.data.splits import Split
from ankleboot.data.verify_data import verify_folder_unchanged
from ankleboot.models.run import EpochRecord, History, Run, create_run, open_run
from ankleboot.recipes.recipe import Recipe, from_json
from ankleboot.training import data_loader, schedules
from ankleboot.training.callbacks import LayerSummary, Silent, TrainingCallback
from ankleboot.training.checkpoints import ModelWriter, SerialExecutor, weights_sha256
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Engine, RunningMetrics
from ankleboot.training.manifest import MUST_MATCH_ON_RESUME, diff, make_manifest
from ankleboot.training.tensorboard import TensorBoardWriter

NUM_TRAIN_EVAL_IMAGES = (
    6_000  # training images that are judged where a recipe trains on the hardest
)
CALL_DURATION_S = 0.5  # of the engine: how soon a signal is heeded and the progress moves


@dataclass
class TrainingState:
    """Where a run stands; together with the engine's state it decides all that follows."""

    epoch: int = 1  # the one in progress, from 1
    step: int = 0  # steps taken in it
    totals: RunningMetrics = RunningMetrics()
    epoch_seconds: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)  # seconds spent in each, so far

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time that passes inside as the stage's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - started
            self.stages[stage] = self.stages.get(stage, 0.0) + passed

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "TrainingState":
        """Rebuild what `to_json` returned.

        Raises:
            ModelError: If it is something else.
        """
        try:
            records = [EpochRecord(**record) for record in document["history"]]
            rest = {"totals": RunningMetrics(**document["totals"]), "history": records}
            return cls(**(document | rest))
        except (KeyError, TypeError) as error:
            raise ModelError(f"the checkpoint holds another kind of progress ({error})") from error


def train(
    recipe: Recipe, data: Dataset, run_dir: Path, observer: TrainingCallback | None = None
) -> Run:
    """Train a recipe from the start in a new folder.

    Raises:
        UsageError: If `run_dir` exists and is not empty.
        DataError: If the split leaves a part empty.
        DivergedError: If a loss is not finite; the last good checkpoint stays.
        StoppedBySignal: On SIGINT or SIGTERM, after saving.
        EnvironmentFailure: If memory or disk do not suffice.
    """
    manifest = make_manifest(recipe, data)  # refuses impossible splits before a folder is made
    with create_run(run_dir) as run:
        run.begin(recipe, manifest)
        return _run(run, recipe, data, observer or Silent())


def resume(run_dir: Path, data: Dataset, observer: TrainingCallback | None = None) -> Run:
    """Continue a run where its last checkpoint left it; a complete run is returned as it is.

    Raises:
        ModelError: If data, split or versions are not those the run began with (each difference is
            named), the checkpoint is damaged, or another process is training there.
        Others: As `train`.
    """
    observer = observer or Silent()
    with open_run(run_dir) as run:
        recipe = run.recipe()
        verify_folder_unchanged(run, data)
        then, now = run.manifest(), make_manifest(recipe, data)
        then["recipe"] = from_json(then.get("recipe", {})).to_json()  # it may lack later fields
        if changes := diff(
            {k: then.get(k) for k in MUST_MATCH_ON_RESUME},
            {k: now[k] for k in MUST_MATCH_ON_RESUME},
        ):
            raise ModelError(
                f"{run_dir}: cannot resume, {'; '.join(changes)}. Restore that, or start a new run"
            )
        free = ("hardware", "git_commit")
        for change in diff({k: then.get(k) for k in free}, {k: now[k] for k in free}):
            observer.noted(f"{change}: the last bits of the weights may differ")
        if run.is_complete:
            observer.noted(f"{run_dir} is complete already")
            return run
        return _run(run, recipe, data, observer)


def _run(run: Run, recipe: Recipe, data: Dataset, observer: TrainingCallback) -> Run:
    with ExitStack() as stack:
        stack.enter_context(_memory_errors(recipe))
        # TensorFlow's import leaves a million objects; going over them while tracing took 0.2 s
        gc.freeze()
        stack.callback(gc.unfreeze)
        request = stack.enter_context(stop_on_signal())
        _Trainer(run, recipe, data, observer, request).train()
    return run


EMPTY_ORDER: data_loader.Positions = np.empty(0, np.int32)
"""The order of an epoch of which no step has been taken."""


class _Trainer:
    """One process's part in a run."""

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        data: Dataset,
        observer: TrainingCallback,
        request: StopFlag,
    ) -> None:
        self._run, self._recipe, self._data = run, recipe, data
        self._observer, self._request = observer, request
        self._background = SerialExecutor()
        self._progress = TrainingState()
        self._parts: Split = data.split(recipe)
        self._steps_per_call = 0  # not known before the first call
        self._order: data_loader.Positions = EMPTY_ORDER
        self._best_weights: list[np.ndarray] | None = None
        checkpoint = run.read_checkpoint()
        if checkpoint:
            self._progress = TrainingState.from_json(checkpoint[1])
            run.write_history(tuple(self._progress.history))  # a kill may have come between the two
        # the engine that saved: at an epoch's end it was that of the epoch before
        last_trained = self._progress.epoch - (checkpoint is not None and self._progress.step == 0)
        with self._progress.timed("build"):
            self._engine = self._build(frozen=last_trained <= recipe.head_epochs)
            self._portable = ModelWriter(recipe, len(data.class_names))
        if checkpoint:
            self._order = checkpoint[0].pop("order", EMPTY_ORDER)
            self._engine.restore(checkpoint[0])
        self._inputs: Images | Features = data.train.images
        if self._progress.epoch <= recipe.head_epochs:
            with self._progress.timed("features"):
                self._inputs = self._features()

    def _build(self, *, frozen: bool, model: keras.Model | None = None) -> Engine:
        num_train, num_classes = len(self._parts.train), len(self._data.class_names)
        self._is_frozen = frozen
        return base.create_engine(self._recipe, num_train, num_classes, model=model, frozen=frozen)

    def _features(self) -> Features:
        """What the frozen backbone says of the images in use; rows of others are not filled."""
        images, used = (
            self._data.train.images,
            np.union1d(self._parts.train, self._parts.validation),
        )
        size, rows = data_loader.chunk_size(self._recipe), []
        for start in range(0, len(used), size):
            rows.append(self._engine.features(images[used[start : start + size]]))
        found = np.zeros((len(images), rows[0].shape[1]), np.float32)
        found[used] = np.concatenate(rows)
        return found

    def _thaw(self) -> None:
        """Go on with all layers, on images, when the epochs with a frozen backbone are over."""
        with self._progress.timed("build"):
            self._engine = self._build(frozen=False, model=self._engine.model)
        self._inputs, self._steps_per_call = self._data.train.images, 0

    def train(self) -> None:
        """Train what is missing, and write the finished run's files."""
        run, progress, recipe = self._run, self._progress, self._recipe
        self._observer.started(run, layer_summary(self._portable.model), self._parts)
        curves = TensorBoardWriter(run.folder / "tensorboard", progress.history)
        with closing(self._background):
            while progress.epoch <= recipe.epochs and not _is_over(recipe, progress.history):
                if self._is_frozen and progress.epoch > recipe.head_epochs:
                    self._thaw()
                self._train_epoch()
                is_best = best_epoch(progress.history, recipe.monitor) == progress.epoch - 1
                with progress.timed("saving"):
                    self._save_epoch(is_best, curves)
                self._observer.epoch_ended(progress.history[-1], is_best)
                self._heed(f"after epoch {progress.epoch - 1}")
            with progress.timed("saving"):
                self._background.wait()
        self._finish()
        self._heed("after the last epoch, with everything saved")

    def _heed(self, where: str) -> None:
        """Stop if a signal has come; whatever happened so far must have been given to saving."""
        if self._request.signum is not None:
            self._background.wait()
            message = f"stopped {where}; continue with --resume {self._run.folder}"
            raise Interrupted(message, self._request.signum)

    def _train_epoch(self) -> None:
        """Train one epoch, or the rest of it, validate, and move the progress to the next one."""
        progress, recipe = self._progress, self._recipe
        started = time.perf_counter() - progress.epoch_seconds
        rates = self._rates()
        if self._order is EMPTY_ORDER:
            losses = self._engine.losses()
            self._order = data_loader.epoch_order(
                recipe, len(self._parts.train), progress.epoch, losses
            )
        chunks = data_loader.iter_chunks(
            self._inputs,
            self._data.train.labels,
            self._data.class_names,
            self._parts.train,
            self._order,
            rates,
            recipe,
            progress.epoch,
            progress.step,
            self._engine.put,
        )
        with closing(chunks):
            while progress.step < len(rates):
                with progress.timed("feed"):
                    chunk, first, last = next(chunks)
                while progress.step < last:
                    self._take_steps(chunk, first, last, len(rates), started)

        with progress.timed("evaluation"):
            validation = self._judge(self._parts.validation)
            trained = progress.totals
            if recipe.hard_example_fraction < 1:  # what the steps saw was not a fair sample
                fair = np.linspace(0, len(self._parts.train) - 1, NUM_TRAIN_EVAL_IMAGES, dtype=int)
                trained = self._judge(self._parts.train[np.unique(fair)])
        if not validation.is_finite:
            raise self._diverged(f"the validation loss became {validation.loss}")
        progress.history.append(
            EpochRecord(
                epoch=progress.epoch,
                train_loss=trained.mean_loss,
                train_accuracy=trained.accuracy,
                validation_loss=validation.mean_loss,
                validation_accuracy=validation.accuracy,
                learning_rate=float(rates[-1]),
                seconds=time.perf_counter() - started,
            )
        )
        progress.epoch, progress.step, self._order = progress.epoch + 1, 0, EMPTY_ORDER
        progress.totals, progress.epoch_seconds = RunningMetrics(), 0.0

    def _rates(self) -> schedules.LearningRates:
        """Learning rates of the steps of the epoch in progress."""
        recipe, epoch = self._recipe, self._progress.epoch
        steps = [
            data_loader.num_steps(recipe, len(self._parts.train), number + 1)
            for number in range(recipe.epochs)
        ]
        if epoch <= recipe.head_epochs:
            return np.full(steps[epoch - 1], recipe.head_learning_rate, np.float32)
        done = sum(steps[recipe.head_epochs : epoch - 1])
        rates = schedules.learning_rates(recipe, sum(steps[recipe.head_epochs :]))
        return rates[done : done + steps[epoch - 1]]

    def _take_steps(
        self, chunk: Any, first: int, last: int, num_steps: int, epoch_started: float
    ) -> None:
        """Take about `SECONDS_PER_CALL` of steps in the chunk, which holds `first` to `last`."""
        progress, stage = self._progress, "steps" if self._steps_per_call else "first_steps"
        until = min(progress.step + max(self._steps_per_call, 1), last)
        if self._engine.compiles_every_length:
            until = last
        call_started = time.perf_counter()
        with progress.timed(stage):
            totals = self._engine.train(
                chunk, progress.step - first, until - first, progress.totals
            )
        if not totals.is_finite:
            batch = math.ceil(totals.images / self._recipe.batch_size)
            raise self._diverged(f"the training loss became {totals.loss} in batch {batch}")
        seconds = time.perf_counter() - call_started
        self._steps_per_call = max(1, round(CALL_DURATION_S / seconds * (until - progress.step)))
        progress.step, progress.totals = until, totals
        self._observer.stepped(progress.epoch, until, num_steps, totals.mean_loss, totals.accuracy)
        if self._request.signum is not None:
            self._background.wait()
            progress.epoch_seconds = time.perf_counter() - epoch_started
            arrays = self._engine.state() | {"order": self._order}
            self._run.write_checkpoint(arrays, progress.to_json())
            self._heed(f"in epoch {progress.epoch} after step {until} of {num_steps}")

    def _judge(self, indices: Indices) -> RunningMetrics:
        """Judge some images of the training file, a chunk at a time."""
        labels, totals = self._data.train.labels, RunningMetrics()
        size = data_loader.chunk_size(self._recipe)
        for start in range(0, len(indices), size):
            part = indices[start : start + size]
            totals += self._engine.evaluate(self._inputs[part], labels[part])
        return totals

    def _save_epoch(self, is_best: bool, curves: TensorBoardWriter) -> None:
        """Take copies of all that the files of this epoch hold, and have them written."""
        run, history = self._run, tuple(self._progress.history)
        weights, state = self._engine.model.get_weights(), self._engine.state()
        progress = self._progress.to_json()

        if is_best:
            self._best_weights = weights

        def write() -> None:
            if is_best:
                self._portable.save(weights, run.best_path)
            run.write_checkpoint(state, progress)
            run.write_history(history)
            curves.add(history[-1])

        self._background.submit(write)

    def _diverged(self, what: str) -> DivergedError:
        self._background.wait()
        checkpoint = self._run.checkpoint_path
        kept = f"the last good state is kept in {checkpoint}"
        return DivergedError(
            f"{what} of epoch {self._progress.epoch}; lower learning_rate "
            f"(it is {self._recipe.learning_rate:g}); "
            + (kept if checkpoint.exists() else "there is no checkpoint yet")
        )

    def _finish(self) -> None:
        """Write the model and its numbers: the last epoch's, or with early stopping the best's."""
        run, recipe, history = self._run, self._recipe, tuple(self._progress.history)
        best = best_epoch(history, recipe.monitor)
        record = history[best - 1] if recipe.patience else history[-1]
        with self._progress.timed("saving"):
            if record.epoch == best:
                weights = self._best_weights
                if weights is None:  # an earlier process trained the best epoch
                    weights = keras.models.load_model(run.best_path).get_weights()
                atomic_write(run.model_path, run.best_path.read_bytes())
            else:
                weights = self._engine.model.get_weights()
                self._portable.save(weights, run.model_path)
        stages = self._progress.stages
        write_json(
            run.folder / "result.json",
            {
                "recipe": recipe.name,
                "seed": recipe.seed,
                "data": self._data.name,
                "parameters": self._engine.model.count_params(),
                "epochs": len(history),
                "best_epoch": best,
                "model_epoch": record.epoch,
                "train_seconds": round(sum(stages.values()), 3),
                "stages": {name: round(seconds, 3) for name, seconds in stages.items()},
                "train": {"accuracy": record.train_accuracy, "loss": record.train_loss},
                "validation": {
                    "accuracy": record.validation_accuracy,
                    "loss": record.validation_loss,
                },
                "model_sha256": sha256_of_file(run.model_path),
                "weights_sha256": weights_sha256(weights),
            },
        )


def best_epoch(history: History | list[EpochRecord], monitor: str) -> int:
    """Number of the first epoch with the lowest validation loss (or highest accuracy)."""
    if monitor == "accuracy":
        return max(history, key=lambda record: record.validation_accuracy).epoch
    return min(history, key=lambda record: record.validation_loss).epoch


def _is_over(recipe: Recipe, history: list[EpochRecord]) -> bool:
    """Whether early stopping has lost its patience."""
    if not (recipe.patience and history):
        return False
    return len(history) - best_epoch(history, recipe.monitor) >= recipe.patience


def layer_summary(model: Any) -> list[LayerSummary]:
    """The layers in order, the input left out."""
    return [
        LayerSummary(layer.name, type(layer).__name__, layer.output.shape[1:], layer.count_params())
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]


@contextmanager
def _memory_errors(recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not base.is_out_of_memory(error):
            raise
        raise EnvironmentFailure(
            f"out of memory: try a smaller batch_size (it is {recipe.batch_size})"
        ) from error
