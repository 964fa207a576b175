"""A field is refused exactly where changing it changes nothing of what is trained."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.data.load import load_data
from ankleboot.data.splits import split
from ankleboot.models import architectures
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.recipes.catalog import PLAIN, TINY
from ankleboot.recipes.parse import override
from ankleboot.recipes.recipe import OPTIONS, Recipe
from ankleboot.training.data_loader import EpochLoader
from ankleboot.training.engines.base import Chunk
from ankleboot.training.optimizers.build import build_optimizer

SMALL = replace(PLAIN, filters=4, dense_units=8)
BASES = {
    "cnn": SMALL,
    "cnn without hidden layers": replace(SMALL, dense_units=0),
    "repeated": replace(SMALL, convs_per_block=3, kernel_size=1),
    "strided": replace(SMALL, pooling="strided"),
    "leaky": replace(SMALL, activation="leaky_relu", optimizer="sgd"),
    "patterns": replace(SMALL, stem="dct", blocks=1, dense_units=0, optimizer="muon"),
    "patterns with a hidden layer": replace(SMALL, stem="dct", blocks=1, train_size=100),
    "mlp": override(SMALL, {"architecture": "mlp", "optimizer": "rmsprop"}),
    "linear": override(SMALL, {"architecture": "mlp", "dense_units": "0", "split": "stratified"}),
    "transfer": TINY,
}
OTHER: dict[str, Any] = {
    "blocks": 3,
    "filters": 6,
    "max_filters": 2,
    "convs_per_block": 2,
    "kernel_size": 2,
    "convolution": "separable",
    "residual": True,
    "squeeze_excitation": True,
    "global_pooling": "average",
    "padding": "same",
    "pooling": "average",
    "block_order": "pool_norm_act",
    "activation": "gelu",
    "negative_slope": 0.3,
    "batch_norm": True,
    "dropout": 0.4,
    "dense_units": 5,
    "dense_layers": 2,
    "l2": 0.01,
    "input_scaling": "none",
    "weights": "none.keras",
    "momentum": 0.5,
    "split_seed": 7,
}
"""A value that no base has, for every field that decides network, optimizer or split."""


def forced(recipe: Recipe, **values: object) -> Recipe:
    """The recipe with values that its own check may refuse."""
    made = replace(recipe)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def made_from(recipe: Recipe) -> tuple[object, ...]:
    """All that a run takes from the fields in `OTHER`."""
    labels = load_data("sample").train.labels
    parts = split(labels, recipe.split_rule).sha256
    optimizer = build_optimizer(recipe)
    momentum = getattr(optimizer, "momentum", None)
    try:
        model = architectures.build_model(recipe)
    except ModelError as error:  # the file of weights that does not exist
        return str(error), momentum, parts
    config = json.dumps(model.get_config(), default=str, sort_keys=True)
    weights = [(weight.path, tuple(weight.shape)) for weight in model.weights]
    return config, weights, momentum, parts


SLOW = {"transfer"}  # the backbone is built once for each field


@pytest.mark.parametrize(
    "base", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in BASES]
)
def test_a_field_is_used_where_it_changes_something(base: str) -> None:
    recipe = BASES[base]
    before, values = made_from(recipe), recipe.to_json()
    assert not {name for name, value in OTHER.items() if values[name] == value}
    changed = {name for name in OTHER if made_from(forced(recipe, **{name: OTHER[name]})) != before}
    assert changed == {name for name in OTHER if OPTIONS[name].is_used(values)}


def test_frozen_epochs_take_images_as_they_are() -> None:
    data = load_data("sample")
    part = data.train
    recipe = override(TINY, {"epochs": "1", "head_epochs": "1"})
    assert not any(OPTIONS[name].is_used(recipe.to_json()) for name in ("flip", "rotation"))
    indices = np.arange(len(part.labels))

    def images(recipe: Recipe) -> np.ndarray:
        chunks: list[Chunk] = []
        order = np.arange(2 * recipe.batch_size, dtype=np.int32)
        rates = np.full(2, 0.1, np.float32)
        loader = EpochLoader(recipe, part.images, part.labels, data.class_names, indices)
        made = loader.chunks(1, order, rates, 0, chunks.append)
        assert len(list(made)) == 1
        return np.asarray(chunks[0].images)

    expected = part.images[: 2 * recipe.batch_size]
    cases: list[dict[str, Any]] = [{"flip": True}, {"rotation": 30.0}, {"photo_simulation": 1.0}]
    for changes in cases:
        np.testing.assert_array_equal(images(forced(recipe, **changes)), expected)
        assert (images(forced(recipe, head_epochs=0, **changes)) != expected).any()


def test_a_split_seed_of_training_images_does_not_hide_the_validation_images() -> None:
    recipe = replace(PLAIN, train_size=100, split_seed=7)
    info = ModelMetadata(split=recipe.split, split_seed=recipe.split_seed)
    labels = load_data("sample").train.labels
    expected = split(labels, recipe.split_rule).validation
    np.testing.assert_array_equal(split(labels, info.split_rule).validation, expected)
