from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.errors import UsageError
from ankleboot.recipes import (
    CHOICES,
    LEAKY,
    PLAIN,
    RANGES,
    RECIPES,
    Recipe,
    find,
    from_json,
    override,
    valid_values,
)


def any_value(name: str, kind: type) -> st.SearchStrategy[object]:
    if name in CHOICES:
        return st.sampled_from(CHOICES[name])
    if name == "weights":
        return st.sampled_from(["", "some/file.pth"])
    if kind is bool:
        return st.booleans()
    low, high = RANGES[name]
    return st.integers(int(low), int(high)) if kind is int else st.floats(low, high)


SETTINGS = st.sampled_from([f for f in fields(Recipe) if f.name != "name"]).flatmap(
    lambda f: st.tuples(st.just(f.name), any_value(f.name, f.type))
)


@given(SETTINGS)
def test_every_valid_value_survives_text_and_json(setting: tuple[str, object]) -> None:
    name, value = setting
    base = replace(LEAKY, blocks=1, framing="whole")  # small: fits whatever the rest is
    try:
        recipe = override(base, {name: str(value)})
    except UsageError as error:
        said = (
            "leaves no pixel",
            "at most half of image_size",
            "at most epochs",
            "framing=garment",
        )
        assert any(words in str(error) for words in (*said, "only model=transfer"))
        return
    assert getattr(recipe, name) == value
    assert from_json(recipe.to_json()) == recipe


@given(st.sampled_from(sorted({f.name for f in fields(Recipe)} - {"name"})), st.text(max_size=8))
def test_any_text_is_a_valid_recipe_or_one_clear_line(name: str, text: str) -> None:
    try:
        recipe = override(LEAKY, {name: text})
    except UsageError as error:
        assert name in str(error) and "\n" not in valid_values(name)
    else:
        assert from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"epoch": "3"}, "did you mean epochs?"),
        ({"epochs": "three"}, "epochs: expected a whole number from 1 to 10000, got 'three'"),
        ({"epochs": "0"}, "from 1 to"),
        ({"learning_rate": "-1"}, "learning_rate: expected a number from"),
        ({"learning_rate": "nan"}, "learning_rate: expected a number from"),
        ({"activation": "swish"}, "relu or leaky_relu or gelu, got 'swish'"),
        ({"flip": "maybe"}, "flip: expected true or false"),
        ({"name": "other"}, "unknown recipe field 'name'"),
        ({"blocks": "4"}, "leaves no pixel after block 4"),
    ],
)
def test_a_wrong_setting_names_the_valid_ones(setting: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        override(PLAIN, setting)
    assert said in str(caught.value)


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="did you mean leaky.*plain, leaky"):
        find("leaki")


@pytest.mark.parametrize("document", [{}, {"name": "x", "depth": 3}, {"name": "x", "epochs": "3"}])
def test_a_foreign_recipe_file_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        from_json(document)


def test_recipes_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        LEAKY.epochs = 3  # type: ignore[misc]


def test_recipes_bear_their_names() -> None:
    assert all(name == recipe.name for name, recipe in RECIPES.items())


def test_feature_maps_shrink_as_published() -> None:
    assert LEAKY.feature_map_sizes() == [14, 7, 4]
    assert PLAIN.feature_map_sizes() == [13, 5]


def test_a_range_or_choice_belongs_to_every_field_that_needs_one() -> None:
    free = {f.name for f in fields(Recipe) if f.type is not bool} - {"name", "weights"}
    assert set(CHOICES) | set(RANGES) == free
