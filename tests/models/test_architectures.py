"""Properties of all networks: seeds, precision, shapes, and the fields of a recipe."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.models import architectures
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.catalog import LEAKY, PLAIN, SPRINT
from ankleboot.recipes.recipe import Recipe

INPUTS = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)


def kinds(recipe: Recipe) -> list[str]:
    return [type(layer).__name__ for layer in architectures.build_model(recipe).layers]


def test_bfloat16_keeps_weights_and_probabilities_in_float32() -> None:
    model = architectures.build_model(PLAIN, ComputePolicy("bfloat16"))
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert model(INPUTS).dtype == "float32"
    exact = architectures.build_model(PLAIN)
    np.testing.assert_allclose(model(INPUTS), exact(INPUTS), atol=0.02)


def test_the_training_network_has_the_variables_of_the_portable_one() -> None:
    fast, portable = (
        architectures.build_model(SPRINT, ComputePolicy("bfloat16", True)),
        architectures.build_model(SPRINT),
    )
    for ours, theirs in zip(fast.weights, portable.weights, strict=True):
        assert (ours.path, ours.shape) == (theirs.path, theirs.shape)
    assert {layer.compute_dtype for layer in portable.layers} == {"float32"}
    assert all(type(layer).__module__.startswith("keras.") for layer in portable.layers)


def test_the_seed_decides_the_weights() -> None:
    first, again, other = (
        architectures.build_model(replace(PLAIN, seed=s)).get_weights() for s in (0, 0, 1)
    )
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not (first[0] == other[0]).all()


def test_every_field_of_a_recipe_occurs_in_a_test() -> None:
    """A new field needs a test that it does something."""
    tests = "".join(path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py"))
    names = {field.name for field in fields(Recipe)}
    assert {n for n in names if f'"{n}"' not in tests and f"{n}=" not in tests} == set()


@pytest.mark.parametrize("recipe", [PLAIN, LEAKY, SPRINT], ids=lambda one: one.name)
@pytest.mark.parametrize(("size", "color"), [(32, True), (64, False)])
def test_a_network_is_built_for_any_size_color_and_number_of_classes(
    recipe: Recipe, size: int, color: bool
) -> None:
    wanted = replace(recipe, image_size=size, color=color, crop="none")
    model = architectures.build_model(wanted, num_classes=3)
    assert model.input_shape == (None, size, size, 3 if color else 1)
    assert model.output_shape == (None, 3)
    inputs = np.random.default_rng(0).random((2, *model.input_shape[1:]), np.float32)
    np.testing.assert_allclose(np.asarray(model(inputs)).sum(axis=1), 1, atol=1e-6)
