"""Models as other tools and their users write them, made from one network that is trained once.

All variants but the second baseline compute the function of the first one exactly: a scale of the
pixels moves into the first kernel, another class order into the last. So each has the accuracy of
the first, and an adoption that finds less is wrong.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.types import Images
from ankleboot.data.dataset import Dataset

MEAN, STD = 0.2860, 0.3530
ORDER = np.array([3, 0, 1, 2, 9, 8, 7, 6, 5, 4])  # label of each output of the shuffled model
PAIR = (7, 8)  # Sneaker and Bag


@dataclass(frozen=True)
class ForeignFile:
    """A model file, and the labels that its author would predict."""

    path: Path
    scaling: str
    outputs: str
    predicted: np.ndarray


def plain(data: Dataset, *, filters: int = 32, epochs: int) -> Any:
    """The first baseline as its README tells: two blocks of 32 and 64 filters, pixels 0 to 1."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(2 * filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(4 * filters, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(unit(data.train.images), data.train.labels, 64, epochs, verbose=0)
    return model


def leaky(data: Dataset, *, filters: int = 32, epochs: int) -> Any:
    """The second baseline: LeakyReLU, padding, three blocks, logits; trained on 0 to 255."""
    import keras

    keras.utils.set_random_seed(0)
    layers: list[Any] = [keras.Input((28, 28, 1))]
    for block in range(3):
        layers += [
            keras.layers.Conv2D(filters * 2**block, 3, padding="same"),
            keras.layers.LeakyReLU(negative_slope=0.1),
            keras.layers.MaxPooling2D(padding="same"),
            keras.layers.Dropout(0.25),
        ]
    layers += [keras.layers.Flatten(), keras.layers.Dense(4 * filters), keras.layers.LeakyReLU()]
    model = keras.Sequential([*layers, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    images = data.train.images[..., None].astype(np.float32)
    model.fit(images, data.train.labels, 64, epochs, verbose=0)
    return model


def unit(images: Images) -> np.ndarray:
    return (images[..., None] / 255).astype(np.float32)


def rebuilt(
    base: Any,
    *,
    before: tuple[Any, ...] = (),
    scale: float = 1.0,
    offset: float = 0.0,
    head: Any = None,
    columns: np.ndarray | None = None,
    shape: tuple[int, ...] = (28, 28, 1),
) -> Any:
    """The base network for inputs x of which `scale * x + offset` are pixels in [0, 1].

    Args:
        base: Network of `plain`.
        before: Layers in front of it.
        scale: Factor that moves into the first kernel.
        offset: Summand that moves into the first bias.
        head: Last layer in place of the softmax, with its own weights set by `columns`.
        columns: Matrix (10, outputs) that maps logits to the new outputs.
        shape: Shape of the input.
    """
    import keras

    layers = [type(layer).from_config(layer.get_config()) for layer in base.layers[:-1]]
    last = head or keras.layers.Dense(10, activation="softmax", name="head")
    model = keras.Sequential([keras.Input(shape), *before, *layers, last])
    weights = [weight.copy() for weight in base.get_weights()]
    weights[1] += offset * weights[0].sum(axis=(0, 1, 2))
    weights[0] *= scale
    if columns is not None:
        weights[-2:] = [weight @ columns for weight in weights[-2:]]
    model.set_weights(weights)
    return model


class ForeignFiles:
    """Twelve files: scales, shapes, outputs, nesting, orders and formats.

    Each is made when a test first asks for it, since a process of the tests needs few of them.
    """

    def __init__(self, folder: Path, base: Any, data: Dataset) -> None:
        self._folder, self._base, self._data = folder, base, data
        self._files: dict[str, ForeignFile] = {}

    def __getitem__(self, name: str) -> ForeignFile:
        if name not in self._files:
            self._files[name] = self._write(name)
        return self._files[name]

    def _write(self, name: str) -> ForeignFile:
        model, scaling, outputs = self._make(name)
        path, author, images = self._folder / name, self._base, unit(self._data.test.images)
        if path.suffix:
            model.save(path)
        else:
            model.export(path, verbose=False)
        if name == "leaky-logits-byte.keras":  # the others compute the function of the base
            author, images = model, self._data.test.images[..., None].astype(np.float32)
        predicted = author.predict(images, verbose=0).argmax(axis=1)
        return ForeignFile(path, scaling, outputs, np.asarray(predicted))

    def _make(self, name: str) -> tuple[Any, str, str]:
        """Return a model, and the scaling and the kind of outputs that it has."""
        import keras

        base, layers = self._base, keras.layers
        match name:
            case "plain.keras":
                return base, "unit", "softmax"
            case "leaky-logits-byte.keras":
                return leaky(self._data, filters=8, epochs=6), "byte", "logits"
            case "logits.keras":
                return rebuilt(base, head=layers.Dense(10, name="head")), "unit", "logits"
            case "byte.keras" | "saved_model":
                return rebuilt(base, scale=1 / 255), "byte", "softmax"
            case "standard.keras":
                return rebuilt(base, scale=STD, offset=MEAN), "standard", "softmax"
            case "signed.keras":
                return rebuilt(base, scale=0.5, offset=0.5), "signed", "softmax"
            case "rescaling.keras":
                return rebuilt(base, before=(layers.Rescaling(1 / 255),)), "byte", "softmax"
            case "flat.keras":
                before = (layers.Reshape((28, 28, 1)),)
                return rebuilt(base, before=before, shape=(28, 28)), "unit", "softmax"
            case "nested.keras":
                return nested(base), "unit", "softmax"
            case "shuffled.keras":
                return rebuilt(base, columns=np.eye(10)[:, ORDER]), "unit", "softmax"
            case "old.h5":
                return rebuilt(base), "unit", "softmax"
        raise KeyError(name)


def nested(base: Any) -> Any:
    """The base network as a backbone inside a functional model, with augmentation in front."""
    import keras

    backbone = keras.Sequential(
        [keras.Input((28, 28, 1)), *(type(x).from_config(x.get_config()) for x in base.layers[:4])],
        name="backbone",
    )
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = backbone(x, training=False)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(base.layers[-2].units, activation="relu")(x)
    x = keras.layers.Dropout(0.2)(x)
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))
    backbone.set_weights(base.get_weights()[:4])
    first, last = (x for x in model.layers if isinstance(x, keras.layers.Dense))
    first.set_weights(base.get_weights()[4:6])
    last.set_weights(base.get_weights()[6:8])
    return model


def pair_data(data: Dataset) -> Dataset:
    """The images of two classes, whose labels are 0 and 1."""
    from dataclasses import replace

    from ankleboot.data.dataset import LabeledImages

    parts = []
    for part in (data.train, data.test):
        rows = np.flatnonzero(np.isin(part.labels, PAIR))
        labels = (part.labels[rows] == PAIR[1]).astype(np.uint8)
        parts.append(LabeledImages(part.images[rows], labels))
    names = tuple(data.class_names[label] for label in PAIR)
    hashes = {"train-pair": "2" * 64, "test-pair": "3" * 64}
    return replace(
        data, name="pair", train=parts[0], test=parts[1], class_names=names, sha256=hashes
    )


def pair_model(base: Any, *, activation: str | None, swapped: bool = False) -> Any:
    """One output for two classes: the sigmoid of the difference of their logits."""
    import keras

    columns = np.zeros((10, 1))
    columns[list(PAIR)] = [[1], [-1]] if swapped else [[-1], [1]]
    return rebuilt(base, head=keras.layers.Dense(1, activation, name="head"), columns=columns)


def sigmoids_model(base: Any) -> Any:
    """A sigmoid for each class."""
    import keras

    return rebuilt(base, head=keras.layers.Dense(10, "sigmoid", name="head"), columns=np.eye(10))
