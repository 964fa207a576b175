"""Every value of every choice of a recipe, from training to the exported file.

Networks that trained well broke later: a report on `architecture=mlp` ("Grad-CAM needs a
convolution"), a separable convolution ("StopIteration"), `activation=gelu` in ONNX ("No Op
registered for Erfc"). The values are spread over a few recipes; a test counts that none is missing.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import ankleboot
from ankleboot.core.errors import ModelError
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.explain import features
from ankleboot.evaluation.explain.methods import apply_methods
from ankleboot.recipes.catalog import TINY as TRANSFER
from ankleboot.recipes.parse import override
from ankleboot.recipes.recipe import OPTIONS, Recipe
from helpers.images import TINY

pytestmark = pytest.mark.usefixtures("isolated_state_dir")

CHANGES: dict[str, dict[str, Any]] = {
    "mlp": {
        "architecture": "mlp",
        "activation": "gelu",
        "optimizer": "rmsprop",
        "schedule": "cosine",
        "monitor": "accuracy",
        "keep": "best",
        "class_weights": "balanced",
    },
    "average": {
        "activation": "gelu",
        "padding": "same",
        "pooling": "average",
        "block_order": "pool_norm_act",
        "batch_norm": True,
        "input_scaling": "standard",
        "optimizer": "adamw",
        "schedule": "one_cycle",
        "split": "stratified",
        "class_weights": "0.5",
        "convolution": "separable",
        "convs_per_block": 2,
        "residual": True,
        "squeeze_excitation": True,
        "global_pooling": "average",
    },
    "patterns": {
        "blocks": 2,
        "global_pooling": "max",
        "dense_units": 0,
        "stem": "dct",
        "activation": "leaky_relu",
        "optimizer": "muon",
        "precision": "auto",
    },
    "strided": {
        "keep": "auto",
        "pooling": "strided",
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "precision": "bfloat16",
        "crop": "none",
        "fit": "crop",
    },
    "none": {"pooling": "none", "input_scaling": "none", "crop": "none", "fit": "letterbox"},
    "cut out": {"crop": "cut-out", "color": True},
}
RECIPES = {name: override(replace(TINY, epochs=1), values) for name, values in CHANGES.items()}
RECIPES["transfer"] = override(TRANSFER, {"epochs": 2, "head_epochs": 1})
FAST = ("mlp",)
WITHOUT_OWN_WEIGHTS = {
    "backbone": {
        "efficientnet_lite0",
        "efficientnet_lite0_small",
        "efficientnet_lite1",
        "efficientnet_lite2",
        "mobilenet_v3_large",
        "resnet50_v2",
        "vgg16",
    }
}
"""Values whose weights do not ship with the package; tests/models/backbones has them."""


def test_no_choice_is_missing() -> None:
    for field, option in OPTIONS.items():
        missing = set(option.choices) - {getattr(recipe, field) for recipe in RECIPES.values()}
        assert missing <= WITHOUT_OWN_WEIGHTS.get(field, set()), field


def in_color(data: Dataset) -> Dataset:
    """Return the data with three equal channels."""
    train, test = (
        replace(part, images=np.repeat(part.images[..., np.newaxis], 3, axis=-1))
        for part in (data.train, data.test)
    )
    return replace(data, train=train, test=test)


@pytest.mark.parametrize(
    "name",
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in RECIPES],
)
def test_every_step_takes_every_choice(name: str, bar_data: Dataset, tmp_path: Path) -> None:
    recipe: Recipe = RECIPES[name]
    if recipe.color:
        bar_data = in_color(bar_data)
    run = ankleboot.train(recipe, bar_data, tmp_path / "run")
    assert ankleboot.evaluate(run, bar_data).num_examples == 128
    report = ankleboot.write_report(run, data=bar_data)
    text = report.path.read_text()
    (explanation,) = ankleboot.explain(run, ["train:0"], data=bar_data)
    if name == "mlp":
        assert "hires-cam" not in explanation.maps and len(explanation.maps) == 3
        assert explanation.notes == (
            "hires-cam is left out: the model has no layer with feature maps; hires-cam needs one.",
        )
        assert explanation.notes[0] in text and "neither feature maps" in text
        with pytest.raises(ModelError, match="hires-cam needs one"):
            ankleboot.explain(run, ["train:0"], methods=["hires-cam"], data=bar_data)
    else:
        assert len(explanation.maps) == 4 and explanation.notes == ()
        assert "left out" not in text and "neither feature maps" not in text
    for format, file in (("litert", "model.tflite"), ("onnx", "model.onnx")):
        result = ankleboot.export_model(run, format, tmp_path / file, bar_data)
        assert result.parity.top1_agreement == 1


def separable() -> keras.Model:
    """A network whose first layer is no plain convolution, as in a plugin or an adopted model."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.SeparableConv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, name="logits"),
            layers.Softmax(name="probs"),
        ]
    )


def test_a_separable_convolution_is_drawn_and_explained(bar_data: Dataset) -> None:
    model, images = separable(), bar_data.test.images[:2]
    filters = features.first_filters(model)
    assert filters is not None and filters.shape == (1, 3, 3)
    (maps,) = features.feature_maps(model, images).values()
    assert maps.shape == (2, 26, 26, 4)
    assert features.receptive_fields(model)[0].size == 3
    explained, notes = apply_methods(model, images, np.array([0, 1]), ["hires-cam", "occlusion"])
    assert set(explained) == {"hires-cam", "occlusion"} and notes == ()


def test_kernels_that_are_no_images_are_left_out() -> None:
    layers = keras.layers
    pooled = keras.Sequential(
        [layers.Input((28, 28, 1)), layers.GlobalAveragePooling2D(), layers.Dense(10)]
    )
    assert features.first_filters(pooled) is None
    assert features.feature_maps(pooled, np.zeros((1, 28, 28), np.uint8)) == {}
    dense = keras.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)])
    filters = features.first_filters(dense)
    assert filters is not None and filters.shape == (10, 28, 28)
