"""The playground's network is that of Keras; what is none, or damaged, is refused."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.core.types import to_inputs
from ankleboot.data.load import load_data
from ankleboot.export.deployable import DeployableModel
from ankleboot.export.network_json import layers_of
from ankleboot.export.playground import LAYOUT, write
from ankleboot.inference.load import load_predictor
from ankleboot.inference.numpy_network import KINDS, layers_in
from ankleboot.models.architectures import build_model
from ankleboot.models.files.checksums import add_folder_checksums
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained.catalog import FOLDER
from ankleboot.recipes.catalog import LEAKY, PLAIN, POCKET, SPRINT
from ankleboot.recipes.recipe import Recipe

SMALL = replace(PLAIN, filters=3, dense_units=7)
SMALL_LEAKY = replace(LEAKY, filters=3, dense_units=7)
RECIPES = {
    "plain": SMALL,
    "leaky, same": SMALL_LEAKY,
    "pocket": replace(POCKET, filters=3, max_filters=8),
    "cosines": replace(SPRINT, filters=10),
    "average, valid": replace(SMALL, pooling="average", batch_norm=True, convs_per_block=2),
    "average, same, odd": replace(SMALL_LEAKY, pooling="average", kernel_size=4),
    "gelu, raw pixels": replace(SMALL, activation="gelu", input_scaling="none"),
    "strided": replace(SMALL, pooling="strided", convs_per_block=2),
    "strided, same": replace(SMALL_LEAKY, pooling="strided", batch_norm=True),
    "no pooling": replace(SMALL, pooling="none"),
    "color": replace(SMALL, image_size=21, color=True, crop="none", dropout=0.5),
}


def network_of(recipe: Recipe) -> DeployableModel:
    """With weights and statistics that are all different from what they begin with."""
    model = build_model(recipe)
    generator = np.random.default_rng(0)
    for variable in model.variables:
        if "seed" not in variable.path:
            drawn = generator.normal(0, 0.3, variable.shape)
            positive = "variance" in variable.path or "gamma" in variable.path
            variable.assign(np.abs(drawn) + 0.3 if positive else drawn)
    info = ModelMetadata(
        recipe=recipe.name,
        format="playground",
        image_size=recipe.image_size,
        color=recipe.color,
        crop=recipe.crop,
        temperature=1.7,
    )
    return DeployableModel(model, info, images_for(recipe)[:1])


def images_for(recipe: Recipe) -> np.ndarray:
    shape = recipe.image_spec.image_shape
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


def document_of(network: DeployableModel) -> str:
    head = {"layout": LAYOUT, "samples": False, "info": asdict(network.info)}
    return json.dumps(head | {"layers": layers_of(network.model)})


def test_what_branches_is_refused_in_one_line() -> None:
    inputs = keras.Input((28, 28, 1))
    left = keras.layers.Conv2D(2, 3)(inputs)
    both = keras.layers.Add()([left, keras.layers.Conv2D(2, 3)(inputs)])
    logits = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(both))
    with pytest.raises(
        ModelError, match=r"architecture=cnn, one layer behind the other; conv2d\w* does not"
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
    write(DeployableModel(model, info, load_data("sample").train.images[:1]), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shipped(tmp_path_factory.mktemp("site") / "playground")


def test_the_folder_is_a_predictor(folder: Path) -> None:
    images = load_data("sample").test.images[:50]
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
    add_folder_checksums(path, load_predictor(folder).info)
    with pytest.raises(ModelError, match="no chain of layers"):
        load_predictor(path)
