"""The playground's network equals the Keras model; unsupported or damaged ones are refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.core.types import to_inputs
from ankleboot.data.load import load_data
from ankleboot.export.network_json import layers_of
from ankleboot.inference.load import load_predictor
from ankleboot.inference.numpy_network import outputs_of, unpack_layer
from ankleboot.models.files.checksums import add_folder_checksums
from helpers.playground import (
    POCKET_FOLDER,
    RECIPES,
    images_for,
    kept_by_keras,
    network_of,
    write_shipped,
)


@pytest.mark.parametrize("name", RECIPES)
def test_every_layer_gives_what_it_gives_in_keras(name: str) -> None:
    recipe = RECIPES[name]
    network = network_of(recipe)
    layers = [unpack_layer(layer) for layer in layers_of(network.model)]
    images = images_for(recipe)
    expected = kept_by_keras(network.model, layers, images)
    outputs = outputs_of(layers, to_inputs(images))
    for layer, x, wanted in zip(layers, outputs, expected, strict=True):
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(x / scale, wanted / scale, atol=1e-5, err_msg=layer["name"])


def test_a_branching_network_is_refused() -> None:
    inputs = keras.Input((28, 28, 1))
    left = keras.layers.Conv2D(2, 3)(inputs)
    both = keras.layers.Add()([left, keras.layers.Conv2D(2, 3)(inputs)])
    logits = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(both))
    with pytest.raises(
        ModelError, match=r"architecture=cnn builds; conv2d\w* has other inputs than conv2d"
    ):
        layers_of(keras.Model(inputs, logits))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (keras.layers.MaxPooling2D(), "it has no convolution"),
        (keras.layers.Conv2DTranspose(2, 3), "unsupported type Conv2DTranspose"),
        (keras.layers.Activation("tanh"), "unsupported type Activation"),
    ],
)
def test_an_unsupported_layer_is_named(layer: keras.layers.Layer, reason: str) -> None:
    inputs = keras.Input((28, 28, 1))
    logits = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(layer(inputs)))
    with pytest.raises(ModelError, match=reason):
        layers_of(keras.Model(inputs, logits))


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.ReLU(6.0),
        keras.layers.ReLU(negative_slope=0.1),
        keras.layers.Conv2D(2, 3, activation="relu"),
        keras.layers.Conv2D(2, 3, strides=(1, 2)),
        keras.layers.Conv2D(2, 3, dilation_rate=2),
        keras.layers.Conv2D(2, 3, groups=2),
        keras.layers.DepthwiseConv2D(3, activation="relu"),
        keras.layers.MaxPooling2D((2, 1)),
        keras.layers.BatchNormalization(center=False),
        keras.layers.Rescaling([1.0, 2.0]),
    ],
    ids=str,
)
def test_a_setting_that_the_page_does_not_compute_is_refused(layer: keras.layers.Layer) -> None:
    """The networks of `transfer` have ReLU6; the file was written and failed the comparison."""
    inputs = keras.Input((8, 8, 2))
    outputs = layer(keras.layers.Conv2D(2, 3, padding="same")(inputs))
    logits = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(outputs))
    with pytest.raises(ModelError, match=f"{layer.name} has settings that the page does not"):
        layers_of(keras.Model(inputs, logits))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shipped(tmp_path_factory.mktemp("site") / "playground")


def test_the_folder_is_a_predictor(folder: Path) -> None:
    images = load_data("sample").test.images[:50]
    expected = load_predictor(POCKET_FOLDER).predict(images)
    np.testing.assert_allclose(load_predictor(folder).predict(images), expected, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"layers": []},
        {"layers": [{"kind": "magic"}]},
        {"layers": [{"kind": "dense", "kernel": {"shape": [2], "values": "####"}}]},
        {"layers": None},
    ],
)
def test_a_file_of_something_else_is_refused(
    change: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "playground"
    shutil.copytree(folder, path)
    document = json.loads((path / "network.json").read_text())
    (path / "network.json").write_text(json.dumps(document | change))
    (path / "ankleboot.json").unlink()
    add_folder_checksums(path, load_predictor(folder).info)
    with pytest.raises(ModelError, match="damaged layers"):
        load_predictor(path)
