"""Search spaces: ranges of the fields, and the recipes that they give."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.core.errors import UsageError
from ankleboot.recipes.catalog import LEAKY, PLAIN, RECIPES, SPRINT, TRANSFER
from ankleboot.recipes.recipe import OPTIONS
from ankleboot.recipes.search_range import Around, Between, Each
from ankleboot.training.tuning.space import Dimension, apply_values, search_space


def test_the_default_space_has_the_fields_that_matter_most() -> None:
    assert set(search_space(SPRINT)) == {
        *("learning_rate", "batch_size", "label_smoothing", "flip", "max_shift", "random_erasing")
    }
    assert search_space(SPRINT)["learning_rate"] == Dimension(low=0.0175, high=0.28, is_log=True)
    batch = search_space(SPRINT)["batch_size"]
    assert batch == Dimension(low=128, high=512, is_log=True, is_whole=True)
    assert search_space(SPRINT)["flip"] == Dimension((False, True))
    assert search_space(SPRINT)["max_shift"] == Dimension(low=0, high=3, is_whole=True)
    # twice the recipe's own value where that is higher
    assert search_space(TRANSFER)["max_shift"].high == 32


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_space_whose_values_are_valid(name: str) -> None:
    recipe = RECIPES[name]
    space = search_space(recipe, ["all"])
    assert set(space) >= set(search_space(recipe))
    assert all(OPTIONS[field].is_used(recipe.to_json()) for field in space)
    for field, dimension in space.items():
        for value in dimension.choices or (dimension.low, dimension.high):
            OPTIONS[field].checked(field, value)
        assert dimension.choices or dimension.low < dimension.high


def test_every_range_lies_within_the_valid_values() -> None:
    for name, option in OPTIONS.items():
        match option.search:
            case Between(low, high, _):
                assert option.limits and option.limits[0] <= low < high <= option.limits[1], name
            case Around():
                assert option.kind in (int, float), name
            case Each():
                assert option.choices or option.kind is bool, name
            case None:
                assert not option.searched, name


def test_users_name_fields_and_ranges() -> None:
    space = search_space(PLAIN, ["dropout", "learning_rate=0.001:0.01", "activation=relu,gelu"])
    assert space == {
        "dropout": Dimension(low=0, high=0.5),
        "learning_rate": Dimension(low=0.001, high=0.01, is_log=True),
        "activation": Dimension(("relu", "gelu")),
    }
    assert search_space(PLAIN, ["filters=8:64"])["filters"].is_whole
    assert search_space(PLAIN, ["epochs=3,5"]) == {"epochs": Dimension((3, 5))}
    assert search_space(PLAIN, ["all", "dropout=0.1:0.2"])["dropout"].high == 0.2


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("learning", r"unknown recipe field 'learning' \(did you mean learning_rate\?\)"),
        ("negative_slope", "negative_slope has no effect with activation=relu"),
        ("epochs", "--search epochs: no range is known for epochs=5; give one"),
        ("weights", "weights has no effect"),
        ("dropout=0.5:0.1", "expected a low bound below the high one"),
        ("dropout=0.5:2", "dropout: expected a number from 0 to 0.95"),
        ("dropout=a:b", "dropout: expected a number"),
        ("activation=relu", "expected LOW:HIGH or two values or more"),
        ("activation=relu,tanh", "activation: expected relu or"),
    ],
)
def test_a_mistake_is_named(field: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        search_space(PLAIN, [field])


@given(st.data())
def test_drawn_values_give_valid_recipes(data: st.DataObject) -> None:
    """Whatever is drawn: a valid recipe with these values, rounded, or with the field's default."""
    recipe = data.draw(st.sampled_from([SPRINT, LEAKY, TRANSFER, replace(PLAIN, dropout=0.1)]))
    space = search_space(recipe, ["all"])
    drawn: dict[str, Any] = {}
    for name, dimension in space.items():
        if dimension.choices:
            drawn[name] = data.draw(st.sampled_from(dimension.choices))
        elif dimension.is_whole:
            drawn[name] = data.draw(st.integers(int(dimension.low), int(dimension.high)))
        else:
            drawn[name] = data.draw(st.floats(dimension.low, dimension.high))
    try:
        made = apply_values(recipe, drawn).to_json()
    except UsageError:
        return  # values that contradict each other, which a search draws anew
    for name, value in drawn.items():
        expected = float(f"{value:.3g}") if isinstance(value, float) else value
        assert made[name] in (expected, OPTIONS[name].default)
    others = {key: value for key, value in recipe.to_json().items() if key not in drawn}
    assert {key: made[key] for key in others if OPTIONS.get(key, None)} | others == others | {
        key: made[key] for key in others if key in OPTIONS
    }
