"""Measure the time of an epoch against a bare Keras script of the same network.

    python benchmarks/epoch_cost.py --pairs 5

Both train the recipe `leaky` on the same images in the same process and alternate by epoch
(A B A B). Each epoch includes validation, ours also checkpoint, best model and curves. The first
pair traces and is left out. The result is benchmarks/results/epoch_cost.json.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ankleboot.core import environment
from ankleboot.core.files import write_json
from ankleboot.core.types import one_hot, to_inputs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.load import load_data
from ankleboot.data.splits import Split
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import LEAKY
from ankleboot.training.callbacks import LayerSummary, TrainingCallback
from ankleboot.training.trainer import fit
from lib.training_baselines import keras_model

RESULT = Path(__file__).parent / "results/epoch_cost.json"


class Interleaved(TrainingCallback):
    """Callback that trains an epoch of the bare script after each of ours."""

    def __init__(self, data: Dataset, split: Split) -> None:
        inputs, targets = to_inputs(data.train.images), one_hot(data.train.labels)
        self._train = inputs[split.train], targets[split.train]
        self._validation = inputs[split.validation], targets[split.validation]
        self._model = keras_model()
        self.ours: list[tuple[float, float]] = []  # wall and CPU seconds of each epoch
        self.bare: list[tuple[float, float]] = []
        self._started = (0.0, 0.0)

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:  # noqa: ARG002
        self._started = now()

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
        self.ours.append(elapsed(self._started))
        self._started = now()
        self._model.fit(
            *self._train, batch_size=64, epochs=1, validation_data=self._validation, verbose=0
        )
        self.bare.append(elapsed(self._started))
        print(f"pair {record.epoch}: ours {self.ours[-1]}, bare Keras {self.bare[-1]}", flush=True)
        self._started = now()


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def elapsed(started: tuple[float, float]) -> tuple[float, float]:
    wall, cpu = now()
    return round(wall - started[0], 3), round(cpu - started[1], 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument(
        "--images",
        type=int,
        default=60_000,
        help="number of training images",
    )
    arguments = parser.parse_args()
    data = load_data()
    head = slice(arguments.images)
    data = replace(data, train=LabeledImages(data.train.images[head], data.train.labels[head]))
    recipe = replace(LEAKY, epochs=arguments.pairs + 1)
    callback = Interleaved(data, data.split(recipe.split_rule))
    with tempfile.TemporaryDirectory() as folder:
        fit(recipe, data, Path(folder) / "run", [callback])
    ours, bare = callback.ours[1:], callback.bare[1:]
    ratios = {
        clock: statistics.median(a[i] / b[i] for a, b in zip(ours, bare, strict=True))
        for i, clock in enumerate(("wall", "cpu"))
    }
    print(f"ours / bare Keras, median of {len(ours)} pairs: {ratios}")
    write_json(
        RESULT,
        {
            "command": f"python benchmarks/epoch_cost.py --pairs {arguments.pairs} "
            f"--images {arguments.images}",
            "ratio_wall": ratios["wall"],
            "ratio_cpu": ratios["cpu"],
            "ours_wall_cpu_seconds": ours,
            "bare_keras_wall_cpu_seconds": bare,
            "hardware": environment.hardware(),
            "versions": environment.versions(),
            "date": time.strftime("%Y-%m-%d"),
        },
    )


if __name__ == "__main__":
    main()
