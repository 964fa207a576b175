"""One run of `bench.py frontier`, in a process of its own.

    python -m lib.frontier_run RECIPE_AS_JSON DATA [FOLDER]

Trains, exports and measures; prints the row as JSON. FOLDER keeps the run folder.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import DivergedError, EnvironmentFailure, ModelError, UsageError
from ankleboot.core.subprocesses import machine_info
from ankleboot.core.tensorflow_settings import use_backend
from ankleboot.core.types import to_inputs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.load import load_data
from ankleboot.data.splits import Split
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.models.run_dir import next_run_dir
from ankleboot.recipes.catalog import overrides_of
from ankleboot.recipes.parse import from_json
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.callbacks import LayerSummary, TrainingCallback
from lib.frontier import decisive_fields

MAX_WAIT_S = 120  # for the checkpoint of an epoch, which a thread is writing
EVALUATION_BATCH = 1_000  # images


class EpochsOnTest(TrainingCallback):
    """Test accuracy after every epoch, to show what choosing the epoch on the test split is worth.

    Nothing of the run depends on it. It reads the checkpoint that training writes anyway, and a
    second network, in float32 and with the weights that the run would keep of that epoch, predicts;
    the run's network, optimizer and random numbers are not touched, so the weights are bit-equal to
    those of a run without it. Its seconds are in none of the stages that `train_seconds` adds up.

    Nobody chooses by it either: the honest accuracy is that of the epoch which the recipe keeps.
    `test_reads.json` counts evaluations of the model that a run keeps, so these do not belong
    there; a row states them as `test_by_epoch`.
    """

    def __init__(self, recipe: Recipe, test: LabeledImages, num_classes: int) -> None:
        self._recipe, self._test, self._num_classes = recipe, test, num_classes
        self._run: Run | None = None
        self._engine: Any = None
        self._model: Any = None
        self.accuracies: list[float] = []

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:  # noqa: ARG002
        from ankleboot.models.architectures import build_model
        from ankleboot.training.engines import base

        self._run = run
        self._engine = base.engine_class()(self._recipe, len(split.train), self._num_classes)
        self._model = build_model(self._recipe, num_classes=self._num_classes)

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
        self._engine.restore(self._read_checkpoint(record.epoch))
        with self._engine.averaged():
            self._model.set_weights(self._engine.model.get_weights())
        images, num_correct = self._test.images, 0
        for start in range(0, len(images), EVALUATION_BATCH):
            rows = slice(start, start + EVALUATION_BATCH)
            probs = np.asarray(self._model(to_inputs(images[rows]), training=False))
            num_correct += int((probs.argmax(axis=1) == self._test.labels[rows]).sum())
        self.accuracies.append(num_correct / len(images))

    def _read_checkpoint(self, epoch: int) -> dict[str, np.ndarray]:
        """Wait until the checkpoint is that of the end of this epoch."""
        deadline = time.monotonic() + MAX_WAIT_S
        while time.monotonic() < deadline:
            checkpoint = self._run.read_checkpoint() if self._run else None
            if checkpoint and checkpoint[1]["epoch"] == epoch + 1:
                return checkpoint[0]
            time.sleep(0.01)
        raise EnvironmentFailure(f"no checkpoint of epoch {epoch} after {MAX_WAIT_S} s")


def measure_run(recipe: Recipe, data: Dataset, runs: Path | None) -> dict[str, Any]:
    """Train a recipe, export and judge the model, and return the row.

    The row of a run that diverges has no figures.
    """
    row = {
        "recipe": recipe.name,
        "overrides": overrides_of(recipe),
        "fields": decisive_fields(recipe),
        "seed": recipe.seed,
        "data": {"name": data.name, "train_sha256": data.train_sha256},
        "diverged": "",
    }
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run" if runs is None else next_run_dir(runs, recipe)
        try:
            row |= _measure(recipe, data, run_dir)
        except DivergedError as error:
            row["diverged"] = _without(run_dir, error)
    loads = [load, os.getloadavg()[0]]
    return row | {"load_average": loads, "accelerator": _accelerator(), **machine_info()}


def _accelerator() -> str | None:
    """Return the kind of the device that JAX trains on; None for the processor."""
    import keras

    if keras.backend.backend() != "jax":
        return None
    import jax

    device = jax.devices()[0]
    return None if device.platform == "cpu" else str(device.device_kind)


def _measure(recipe: Recipe, data: Dataset, run_dir: Path) -> dict[str, Any]:
    from ankleboot.evaluation.evaluate import evaluate
    from ankleboot.training.engines import base
    from ankleboot.training.train import train

    watch = EpochsOnTest(recipe, data.test, len(data.class_names))
    run = train(recipe, data, run_dir, callbacks=[watch])
    evaluation = evaluate(run, data, split="test")
    result = run.result()
    best = int(np.argmax(watch.accuracies))
    return {
        "parameters": result["parameters"],
        "epochs": result["epochs"],
        "model_epoch": result["model_epoch"],
        "precision": base.compute_dtype(recipe),
        "train_seconds": result["train_seconds"],
        "stages": result["stages"],
        "validation_accuracy": result["validation"]["accuracy"],
        "test_accuracy": evaluation.accuracy,
        "test_accuracy_ci95": evaluation.accuracy_ci95,
        "test_loss": evaluation.loss,
        "test_ece": evaluation.ece,
        "test_by_epoch": watch.accuracies,
        "best_epoch_on_test": {"epoch": best + 1, "accuracy": watch.accuracies[best]},
        "weights_sha256": result["weights_sha256"],
        "teacher_sha256": run.manifest().get("teacher", {}).get("model_sha256"),
        "float32": _export(run, "litert", data),
        "int8": _export(run, "litert-int8", data),
    }


def _export(run: Run, format: str, data: Dataset) -> dict[str, Any]:
    """Return bytes, change of accuracy and latency of an exported file (one image, one thread).

    The comparison of int8 with Keras is one more test evaluation, which the run counts. A file
    beyond the limits of its format is not kept; the message of the failure has the figures. Keras
    on JAX cannot export.
    """
    from ankleboot.export.export import export_model

    with tempfile.TemporaryDirectory() as folder:
        try:
            result = export_model(run.folder, format, Path(folder) / "model.tflite", data)
        except (ModelError, UsageError) as error:
            return {"failure": _without(run.folder, error)}
    return {
        "bytes": result.bytes,
        "accuracy_change": result.parity.accuracy_change,
        "same_label": result.parity.top1_agreement,
        "p50_us": 1e3 * result.latency_ms.p50,
        "p99_us": 1e3 * result.latency_ms.p99,
    }


def _without(folder: Path, error: Exception) -> str:
    """Return a message that names no folder of this machine."""
    return str(error).replace(str(folder), "the run")


def main(arguments: list[str]) -> None:
    recipe, data_name, *runs = arguments
    use_backend(os.environ.get("ANKLEBOOT_BACKEND", "tensorflow"))
    folder = Path(runs[0]) if runs else None
    print(json.dumps(measure_run(from_json(json.loads(recipe)), load_data(data_name), folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
