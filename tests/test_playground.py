"""The playground's network is that of Keras; what is none, or damaged, is refused."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ankleboot.arrays import to_inputs
from ankleboot.data import load
from ankleboot.errors import ModelError
from ankleboot.export.network import Network
from ankleboot.export.playground import LAYOUT, write
from ankleboot.export.playground.chain import layers_of
from ankleboot.model_info import ModelInfo
from ankleboot.models import build
from ankleboot.predictors import load_predictor
from ankleboot.predictors.chain import KINDS, layers_in
from ankleboot.pretrained import FOLDER
from ankleboot.recipes import LEAKY, PLAIN, POCKET, SPRINT, Recipe
from ankleboot.sealed import seal_folder

SMALL = replace(PLAIN, filters=3, dense_units=7)
SMALL_LEAKY = replace(LEAKY, filters=3, dense_units=7)
RECIPES = {
    "plain": SMALL,
    "leaky, same": SMALL_LEAKY,
    "pocket": replace(POCKET, filters=3, max_filters=8),
    "cosines": replace(SPRINT, filters=10),
    "average, valid": replace(SMALL, pooling="average", batch_norm=True, convolutions=2),
    "average, same, odd": replace(SMALL_LEAKY, pooling="average", kernel_size=4),
    "gelu, raw pixels": replace(SMALL, activation="gelu", normalisation="none"),
    "strided": replace(SMALL, pooling="strided", convolutions=2),
    "strided, same": replace(SMALL_LEAKY, pooling="strided", batch_norm=True),
    "no pooling": replace(SMALL, pooling="none"),
    "colour": replace(SMALL, image_size=21, colour=True, framing="whole", dropout=0.5),
}


def network_of(recipe: Recipe) -> Network:
    """With weights and statistics that are all different from what they begin with."""
    model = build(recipe)
    generator = np.random.default_rng(0)
    for variable in model.variables:
        if "seed" not in variable.path:
            drawn = generator.normal(0, 0.3, variable.shape)
            positive = "variance" in variable.path or "gamma" in variable.path
            variable.assign(np.abs(drawn) + 0.3 if positive else drawn)
    info = ModelInfo(
        recipe=recipe.name,
        format="playground",
        image_size=recipe.image_size,
        colour=recipe.colour,
        framing=recipe.framing,
        temperature=1.7,
    )
    return Network(model, info, images_for(recipe)[:1])


def images_for(recipe: Recipe) -> np.ndarray:
    shape = recipe.preparation.image_shape
    images = np.random.default_rng(1).integers(0, 256, (6, *shape), dtype=np.uint8)
    images[0] = 0
    return images


def kept_by_keras(model: keras.Model, names: list[str], images: np.ndarray) -> list[np.ndarray]:
    """The outputs of its layers."""
    every = keras.Model(model.input, [model.get_layer(name).output for name in names])
    return [np.asarray(output) for output in every(to_inputs(images), training=False)]


@pytest.mark.parametrize("name", RECIPES)
def test_every_layer_gives_what_it_gives_in_keras(name: str) -> None:
    recipe = RECIPES[name]
    network = network_of(recipe)
    layers = layers_in(layers_of(network.model))
    images = images_for(recipe)
    x: Any = to_inputs(images)
    expected = kept_by_keras(network.model, [layer["name"] for layer in layers], images)
    for layer, wanted in zip(layers, expected, strict=True):
        x = KINDS[layer["kind"]](x, layer)
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(x / scale, wanted / scale, atol=1e-5, err_msg=layer["name"])


def document_of(network: Network) -> str:
    head = {"layout": LAYOUT, "samples": False, "info": asdict(network.info)}
    return json.dumps(head | {"layers": layers_of(network.model)})


def test_what_branches_is_refused_in_one_line() -> None:
    inputs = keras.Input((28, 28, 1))
    left = keras.layers.Conv2D(2, 3)(inputs)
    both = keras.layers.Add()([left, keras.layers.Conv2D(2, 3)(inputs)])
    logits = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(both))
    with pytest.raises(
        ModelError, match=r"model=cnn, one layer behind the other; conv2d\w* does not"
    ):
        layers_of(keras.Model(inputs, logits))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (keras.layers.MaxPooling2D(), "this one has no convolution"),
        (keras.layers.DepthwiseConv2D(3), "is a DepthwiseConv2D"),
        (keras.layers.Activation("tanh"), "is a Activation"),
    ],
)
def test_a_layer_of_another_kind_is_named(layer: keras.layers.Layer, said: str) -> None:
    inputs = keras.Input((28, 28, 1))
    logits = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(layer(inputs)))
    with pytest.raises(ModelError, match=said):
        layers_of(keras.Model(inputs, logits))


def write_shipped(path: Path) -> Path:
    """The shipped model's playground."""
    model = keras.models.load_model(FOLDER / "model.keras", compile=False)
    info = replace(load_predictor(FOLDER).info, format="playground")
    write(Network(model, info, load("sample").train.images[:1]), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shipped(tmp_path_factory.mktemp("site") / "playground")


def test_the_folder_is_a_predictor(folder: Path) -> None:
    images = load("sample").test.images[:50]
    expected = load_predictor(FOLDER).predict(images)
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
    seal_folder(path, load_predictor(folder).info)
    with pytest.raises(ModelError, match="no chain of layers"):
        load_predictor(path)
