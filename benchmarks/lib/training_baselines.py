"""Contenders of `bench.py train`: a plain Keras script, our recipes, and other libraries.

Each is a function from data and a seed to a `TrainingResult` and runs in a process of its own:
`python -m lib.training_baselines NAME SEED DATA`.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import UsageError
from ankleboot.core.subprocesses import peak_mib
from ankleboot.core.tensorflow_settings import ONEDNN, set_up_tensorflow
from ankleboot.core.types import IMAGE_SIZE, NUM_CLASSES, Images, Labels, one_hot, to_inputs
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.data.splits import Split
from ankleboot.recipes.catalog import LEAKY, SPRINT
from ankleboot.recipes.recipe import Recipe

EPOCHS = LEAKY.epochs
SLOPE = LEAKY.negative_slope


@dataclass
class TrainingResult:
    """Cost and accuracy of one training, from nothing built to a model that predicts."""

    seconds: float
    cpu_seconds: float
    test_accuracy: float
    num_test: int
    curve: list[tuple[float, float]] = field(default_factory=list)  # seconds, validation accuracy
    stages: dict[str, float] = field(default_factory=dict)
    gflops: float | None = None  # in the training steps, without tracing
    precision: str = "float32"


class Stopwatch:
    """Wall and processor time since its creation."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def train_recipe(chosen: Recipe, data: Dataset, seed: int) -> TrainingResult:
    """Train one of our recipes, run folder included."""
    from ankleboot.inference.load import load_predictor
    from ankleboot.models.history import EpochRecord
    from ankleboot.training import data_loader
    from ankleboot.training.callbacks import TrainingCallback
    from ankleboot.training.engines import base
    from ankleboot.training.trainer import fit
    from lib.flops import training_flops

    chosen = replace(chosen, seed=seed)
    curve: list[tuple[float, float]] = []

    class Watch(TrainingCallback):
        def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
            curve.append((watch.read()[0], record.validation_accuracy))

    with tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch()
        run = fit(chosen, data, Path(folder) / "run", [Watch()])
        seconds, cpu = watch.read()
        predictor = load_predictor(run.folder)
        stages = run.result()["stages"]
    engine = base.engine_class()(chosen, 1)
    num = len(data.split(chosen.split_rule).train)
    images = sum(data_loader.num_images(chosen, num, epoch + 1) for epoch in range(chosen.epochs))
    gflops = training_flops(engine.model) * images / stages["steps"] / 1e9
    probs = predictor.predict(data.test.images)
    return TrainingResult(
        seconds,
        cpu,
        accuracy_of(probs.argmax(axis=1), data.test.labels),
        len(data.test),
        curve,
        stages,
        gflops,
        base.compute_dtype(chosen),
    )


def keras_script(data: Dataset, seed: int, epochs: int = EPOCHS) -> TrainingResult:
    """Train the published Keras script: `fit`, float32, batches of 64."""
    import keras

    from lib.flops import training_flops

    parts = data.split(LEAKY.split_rule)
    inputs, targets = to_inputs(data.train.images), one_hot(data.train.labels)
    train = inputs[parts.train], targets[parts.train]
    validation = inputs[parts.validation], targets[parts.validation]
    keras.utils.set_random_seed(seed)
    curve: list[tuple[float, float]] = []
    watch = Stopwatch()
    model = keras_model()

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
            curve.append((watch.read()[0], (logs or {})["val_accuracy"]))

    model.fit(
        *train,
        batch_size=64,
        epochs=epochs,
        validation_data=validation,
        verbose=0,
        callbacks=[Watch()],
    )
    seconds, cpu = watch.read()
    predicted = np.asarray(model.predict(to_inputs(data.test.images), verbose=0)).argmax(axis=1)
    return TrainingResult(
        seconds,
        cpu,
        accuracy_of(predicted, data.test.labels),
        len(data.test),
        curve,
        gflops=training_flops(model) * len(parts.train) * epochs / seconds / 1e9,
    )


def keras_model() -> Any:
    """Build and compile the network of the published Keras script."""
    import keras

    layers: list[Any] = [keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1))]
    for filters in (32, 64, 128):
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same"),
            keras.layers.LeakyReLU(negative_slope=SLOPE),
            keras.layers.MaxPooling2D(2, padding="same"),
        ]
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dense(128),
        keras.layers.LeakyReLU(negative_slope=SLOPE),
        keras.layers.Dense(NUM_CLASSES, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def pytorch(data: Dataset, seed: int, epochs: int = 5) -> TrainingResult:
    """Train the same network in a plain PyTorch loop; the loss is lowest at 5 epochs."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    parts = data.split(LEAKY.split_rule)
    images = torch.from_numpy(to_inputs(data.train.images)).permute(0, 3, 1, 2)
    labels = torch.from_numpy(data.train.labels.astype(np.int64))
    test = torch.from_numpy(to_inputs(data.test.images)).permute(0, 3, 1, 2)
    curve: list[tuple[float, float]] = []
    watch = Stopwatch()
    layers: list[Any] = []
    for before, after in ((1, 32), (32, 64), (64, 128)):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.MaxPool2d(2, ceil_mode=True),
        ]
    layers += [nn.Flatten(), nn.Linear(2048, 128), nn.LeakyReLU(SLOPE)]
    model = nn.Sequential(*layers, nn.Linear(128, NUM_CLASSES))
    optimizer, loss = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()

    def predict(inputs: Any) -> np.ndarray:
        model.eval()
        with torch.no_grad():
            return np.concatenate([model(batch).argmax(1).numpy() for batch in inputs.split(1_000)])

    train, validation = torch.from_numpy(parts.train), torch.from_numpy(parts.validation)
    for _ in range(epochs):
        model.train()
        for batch in train[torch.randperm(len(train))].split(64):
            optimizer.zero_grad()
            loss(model(images[batch]), labels[batch]).backward()
            optimizer.step()
        predicted = predict(images[validation])
        curve.append((watch.read()[0], accuracy_of(predicted, data.train.labels[parts.validation])))
    seconds, cpu = watch.read()
    accuracy = accuracy_of(predict(test), data.test.labels)
    return TrainingResult(seconds, cpu, accuracy, len(data.test), curve)


def hog_svm(data: Dataset, seed: int) -> TrainingResult:
    """Fit a linear support vector machine on histograms of oriented gradients."""
    from skimage.feature import hog
    from sklearn.svm import LinearSVC

    def features(images: Images) -> np.ndarray:
        return np.stack(
            [hog(image, pixels_per_cell=(4, 4), cells_per_block=(2, 2)) for image in images]
        )

    return fit_classifier(data, features, LinearSVC(random_state=seed))


def lightgbm(data: Dataset, seed: int) -> TrainingResult:
    """Fit gradient-boosted trees on the pixels with the defaults of LightGBM (100 rounds)."""
    from lightgbm import LGBMClassifier

    def features(images: Images) -> np.ndarray:
        return images.reshape(len(images), -1).astype(np.float32)

    return fit_classifier(data, features, LGBMClassifier(random_state=seed, verbose=-1))


def fit_classifier(
    data: Dataset, features: Callable[[Images], np.ndarray], model: Any
) -> TrainingResult:
    """Fit a model with the interface of scikit-learn."""
    parts: Split = data.split(LEAKY.split_rule)
    watch = Stopwatch()
    model.fit(features(data.train.images[parts.train]), data.train.labels[parts.train])
    seconds, cpu = watch.read()
    held_out = model.predict(features(data.train.images[parts.validation]))
    validation = accuracy_of(held_out, data.train.labels[parts.validation])
    accuracy = accuracy_of(model.predict(features(data.test.images)), data.test.labels)
    return TrainingResult(seconds, cpu, accuracy, len(data.test), [(seconds, validation)])


def accuracy_of(predicted: np.ndarray, labels: Labels) -> float:
    """Return the fraction of correct labels."""
    return float((np.asarray(predicted) == labels).mean())


LEAKY_FAST = replace(LEAKY, precision="auto", batch_size=256)

CONTENDERS: dict[str, Callable[[Dataset, int], TrainingResult]] = {
    "keras-script": keras_script,
    "keras-script-onednn": keras_script,
    "leaky": lambda data, seed: train_recipe(LEAKY, data, seed),
    "leaky-fast": lambda data, seed: train_recipe(LEAKY_FAST, data, seed),
    "sprint": lambda data, seed: train_recipe(SPRINT, data, seed),
    "sprint-without-onednn": lambda data, seed: train_recipe(SPRINT, data, seed),
    "pytorch": pytorch,
    "hog-svm": hog_svm,
    "lightgbm": lightgbm,
}
"""Contenders by the names of `bench.py train --only`; the first is the reference."""

RECIPES = ("leaky", "leaky-fast", "sprint")
"""Contenders with the kernels that Ankleboot chooses; the others have TensorFlow's default ..."""

KERNELS = {"keras-script-onednn": "1", "sprint-without-onednn": "0"}
"""... or these."""

REQUIRED_MODULES = {
    "pytorch": ("torch",),
    "hog-svm": ("skimage", "sklearn"),
    "lightgbm": ("lightgbm",),
}
"""Modules that a contender needs beyond ours; it is skipped, with a message, without them."""


def main(arguments: list[str]) -> None:
    """Run one contender and print its result as JSON."""
    name, seed, data_name = arguments
    if name not in CONTENDERS:
        raise UsageError(f"unknown contender {name!r}; valid: {', '.join(CONTENDERS)}")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if name in KERNELS:
        os.environ[ONEDNN] = KERNELS[name]
    elif name in RECIPES:
        set_up_tensorflow()
    result = CONTENDERS[name](load_data(data_name), int(seed))
    print(json.dumps(asdict(result) | {"name": name, "seed": int(seed), "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main(sys.argv[1:])
