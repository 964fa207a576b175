"""Whom `bench train` compares: the ancestor's bare script, our recipes, and a user's other choices.

Each is a function from images and a seed to what it took, and runs in a process of its own:
`python -m lib.contenders NAME SEED DATA`.
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
from ankleboot.core.types import IMAGE_SIZE, NUM_CLASSES, Images, Labels, one_hot, to_inputs
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.data.splits import Split
from ankleboot.recipes.catalog import LEAKY, SPRINT
from ankleboot.recipes.recipe import Recipe

EPOCHS = LEAKY.epochs
SLOPE = LEAKY.negative_slope


@dataclass
class Outcome:
    """What one training took, from nothing built to a model that can predict."""

    seconds: float
    cpu_seconds: float
    test_accuracy: float
    num_test: int
    curve: list[tuple[float, float]] = field(default_factory=list)  # seconds, validation accuracy
    stages: dict[str, float] = field(default_factory=dict)
    gflops: float | None = None  # reached in the training steps, tracing left out
    precision: str = "float32"


class Stopwatch:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def recipe(chosen: Recipe, data: Dataset, seed: int) -> Outcome:
    """One of our recipes by `train`: everything that the command does, files included."""
    from ankleboot.inference.load import load_predictor
    from ankleboot.models.flops import training_flops
    from ankleboot.models.run import EpochRecord
    from ankleboot.training import data_loader
    from ankleboot.training.callbacks import Silent
    from ankleboot.training.engines import base
    from ankleboot.training.trainer import train

    chosen = replace(chosen, seed=seed)
    curve: list[tuple[float, float]] = []

    class Watch(Silent):
        def epoch_ended(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
            curve.append((watch.read()[0], record.validation_accuracy))

    with tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch()
        run = train(chosen, data, Path(folder) / "run", Watch())
        seconds, cpu = watch.read()
        predictor = load_predictor(run.folder)
        stages = run.result()["stages"]
    engine = base.create_engine(chosen, 1)
    num = len(data.split(chosen).train)
    images = sum(data_loader.num_images(chosen, num, epoch + 1) for epoch in range(chosen.epochs))
    gflops = training_flops(engine.model) * images / stages["steps"] / 1e9
    probs = predictor.predict(data.test.images)
    return Outcome(
        seconds,
        cpu,
        right(probs.argmax(axis=1), data.test.labels),
        len(data.test),
        curve,
        stages,
        gflops,
        base.compute_dtype(chosen),
    )


def keras_script(data: Dataset, seed: int, epochs: int = EPOCHS) -> Outcome:
    """The second ancestor as its author wrote it: Keras `fit`, float32, batches of 64."""
    import keras

    from ankleboot.models.flops import training_flops

    parts = data.split(LEAKY)
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
    answers = np.asarray(model.predict(to_inputs(data.test.images), verbose=0)).argmax(axis=1)
    return Outcome(
        seconds,
        cpu,
        right(answers, data.test.labels),
        len(data.test),
        curve,
        gflops=training_flops(model) * len(parts.train) * epochs / seconds / 1e9,
    )


def keras_model() -> Any:
    """The second ancestor's network, compiled, in Keras' own words."""
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


def pytorch(data: Dataset, seed: int, epochs: int = 5) -> Outcome:
    """The same network in a plain PyTorch loop; 5 epochs, where its validation loss is lowest."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    parts = data.split(LEAKY)
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

    def answers(inputs: Any) -> np.ndarray:
        model.eval()
        with torch.no_grad():
            return np.concatenate([model(part).argmax(1).numpy() for part in inputs.split(1_000)])

    train, validation = torch.from_numpy(parts.train), torch.from_numpy(parts.validation)
    for _ in range(epochs):
        model.train()
        for batch in train[torch.randperm(len(train))].split(64):
            optimizer.zero_grad()
            loss(model(images[batch]), labels[batch]).backward()
            optimizer.step()
        found = answers(images[validation])
        curve.append((watch.read()[0], right(found, data.train.labels[parts.validation])))
    seconds, cpu = watch.read()
    accuracy = right(answers(test), data.test.labels)
    return Outcome(seconds, cpu, accuracy, len(data.test), curve)


def hog_svm(data: Dataset, seed: int) -> Outcome:
    """Histograms of oriented gradients (scikit-image) and a linear support vector machine."""
    from skimage.feature import hog
    from sklearn.svm import LinearSVC

    def features(images: Images) -> np.ndarray:
        return np.stack(
            [hog(image, pixels_per_cell=(4, 4), cells_per_block=(2, 2)) for image in images]
        )

    return classical(data, features, LinearSVC(random_state=seed))


def lightgbm(data: Dataset, seed: int) -> Outcome:
    """Gradient-boosted trees on the pixels, as LightGBM sets itself up (100 rounds)."""
    from lightgbm import LGBMClassifier

    def features(images: Images) -> np.ndarray:
        return images.reshape(len(images), -1).astype(np.float32)

    return classical(data, features, LGBMClassifier(random_state=seed, verbose=-1))


def classical(data: Dataset, features: Callable[[Images], np.ndarray], model: Any) -> Outcome:
    """Fit a model in the manner of scikit-learn."""
    parts: Split = data.split(LEAKY)
    watch = Stopwatch()
    model.fit(features(data.train.images[parts.train]), data.train.labels[parts.train])
    seconds, cpu = watch.read()
    held_out = model.predict(features(data.train.images[parts.validation]))
    validation = right(held_out, data.train.labels[parts.validation])
    accuracy = right(model.predict(features(data.test.images)), data.test.labels)
    return Outcome(seconds, cpu, accuracy, len(data.test), [(seconds, validation)])


def right(answers: np.ndarray, labels: Labels) -> float:
    """Fraction of the answers that are right."""
    return float((np.asarray(answers) == labels).mean())


LEAKY_FAST = replace(LEAKY, precision="auto", batch_size=256)

CONTENDERS: dict[str, Callable[[Dataset, int], Outcome]] = {
    "keras-script": keras_script,
    "leaky": lambda data, seed: recipe(LEAKY, data, seed),
    "leaky-fast": lambda data, seed: recipe(LEAKY_FAST, data, seed),
    "sprint": lambda data, seed: recipe(SPRINT, data, seed),
    "pytorch": pytorch,
    "hog-svm": hog_svm,
    "lightgbm": lightgbm,
}
"""By the names that `bench train --only` takes; the first is what the others are compared with."""

NEEDS = {
    "pytorch": ("torch",),
    "hog-svm": ("skimage", "sklearn"),
    "lightgbm": ("lightgbm",),
}
"""Modules that some contenders need beyond ours; without them they are left out, said aloud."""


def main(arguments: list[str]) -> None:
    """Run one contender and print its outcome as JSON."""
    name, seed, where = arguments
    if name not in CONTENDERS:
        raise UsageError(f"unknown contender {name!r}; valid: {', '.join(CONTENDERS)}")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    outcome = CONTENDERS[name](load_data(where), int(seed))
    print(json.dumps(asdict(outcome) | {"name": name, "seed": int(seed), "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main(sys.argv[1:])
