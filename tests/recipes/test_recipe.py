"""Recipes: valid values, fields without effect, storage, names."""

import json
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankleboot.core.errors import UsageError
from ankleboot.recipes.catalog import (
    LEAKY,
    PLAIN,
    POCKET,
    RECIPES,
    SPRINT,
    TINY,
    TRANSFER,
    get_recipe,
    list_recipes,
    overrides_of,
)
from ankleboot.recipes.conflicts import feature_map_sizes
from ankleboot.recipes.option import shown
from ankleboot.recipes.parse import from_json, override
from ankleboot.recipes.recipe import OPTIONS, Recipe

IDENTIFIERS = st.text("abxyz_", min_size=1, max_size=8)
IMPORT_STRINGS = st.builds(
    lambda modules, name: f"{'.'.join(modules)}:{name}",
    st.lists(IDENTIFIERS, min_size=1, max_size=3),
    IDENTIFIERS,
)


def any_value(name: str) -> st.SearchStrategy[Any]:
    declared = OPTIONS[name]
    if declared.plugins:
        names = ["", *declared.choices] if declared.default == "" else declared.choices
        return st.one_of(st.sampled_from(names), IMPORT_STRINGS)
    if declared.choices:
        return st.sampled_from(declared.choices)
    if declared.limits is None:
        return st.booleans() if declared.kind is bool else st.sampled_from(["", "some/file.pth"])
    low, high = declared.limits
    return st.integers(int(low), int(high)) if declared.kind is int else st.floats(low, high)


VALUES = {name: any_value(name) for name in OPTIONS}
SETTINGS = st.sampled_from(sorted(OPTIONS)).flatmap(lambda n: st.tuples(st.just(n), VALUES[n]))
SEVERAL = st.lists(SETTINGS, max_size=5).map(dict)


@given(SETTINGS)
def test_every_valid_value_survives_text_and_json(setting: tuple[str, object]) -> None:
    name, value = setting
    base = replace(LEAKY, blocks=1, crop="none")  # small: fits whatever the rest is
    try:
        recipe = override(base, {name: str(value)})
    except UsageError as error:
        expected = (
            "leaves no pixel",
            "at most half of image_size",
            "makes gray images of 28 x 28",
            "makes color images",
            "folds: expected 2 or more",
            "mixup and cutmix: expected shares",
            "hard_example_fraction below 1 excludes",
            "residual needs padding=same",
            f"{name} has no effect with ",
        )
        assert any(message in str(error) for message in expected)
        return
    assert getattr(recipe, name) == value
    assert from_json(recipe.to_json()) == recipe


@given(st.sampled_from(sorted(OPTIONS)), st.text(max_size=8))
def test_any_text_is_a_valid_recipe_or_one_clear_line(name: str, text: str) -> None:
    try:
        recipe = override(LEAKY, {name: text})
    except UsageError as error:
        assert name in str(error) and "\n" not in OPTIONS[name].valid_values()
    else:
        assert from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epoch": "3"}, "did you mean epochs?"),
        ({"epochs": "three"}, "epochs: expected a whole number from 1 to 10000, got 'three'"),
        ({"epochs": "0"}, "from 1 to"),
        ({"learning_rate": "-1"}, "learning_rate: expected a number from"),
        ({"learning_rate": "nan"}, "learning_rate: expected a number from"),
        ({"activation": "swish"}, "relu or leaky_relu or gelu, got 'swish'"),
        ({"flip": "maybe"}, "flip: expected true or false, got 'maybe'"),
        ({"name": "other"}, "unknown recipe field 'name'"),
        ({"blocks": "4"}, "leaves no pixel after block 4"),
        ({"folds": "1"}, "folds: expected 2 or more with fold=1, got 1"),
        ({"folds": "3", "fold": "4"}, "folds: expected 4 or more with fold=4, got 3"),
        (
            {"architecture": "lstm", "blocks": "4"},
            "architecture: expected cnn or mlp or transfer or package.module:attribute, got 'lstm'",
        ),
    ],
)
def test_a_wrong_setting_names_the_valid_ones(setting: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        override(PLAIN, setting)
    assert message in str(caught.value)


# Fields without effect

DENSE = override(PLAIN, {"architecture": "mlp"})
LINEAR = override(DENSE, {"dense_units": "0"})
FROZEN = override(TRANSFER, {"head_epochs": str(TRANSFER.epochs)})
PATTERNS = override(SPRINT, {"blocks": "1"})  # no trained convolution, no hidden layer
NO_CNN = (
    "blocks filters max_filters convs_per_block kernel_size convolution squeeze_excitation "
    "global_pooling padding pooling block_order stem"
)
NO_NETWORK = "activation batch_norm dense_units dense_layers input_scaling hard_example_fraction"
AUGMENTATION = (
    "flip max_shift rotation scale_jitter aspect_jitter random_erasing mixup cutmix color_jitter "
    "augmentation"
)
BACKBONE = "backbone weights frozen_stages head_epochs"
WITHOUT_EFFECT: list[tuple[Recipe, str, str, str]] = [
    (DENSE, NO_CNN, "architecture=mlp", "architecture=cnn"),
    (TRANSFER, NO_CNN, "architecture=transfer", "architecture=cnn"),
    (TRANSFER, NO_NETWORK, "architecture=transfer", "architecture=cnn or mlp"),
    (PLAIN, BACKBONE, "architecture=cnn", "architecture=transfer"),
    (DENSE, BACKBONE, "architecture=mlp", "architecture=transfer"),
    (LINEAR, "dense_layers", "dense_units=0", "dense_units above 0"),
    (
        LINEAR,
        "activation",
        "dense_units=0 and architecture=mlp",
        "dense_units above 0 or with architecture=cnn",
    ),
    (
        LINEAR,
        "dropout",
        "dense_units=0 and architecture=mlp",
        "dense_units above 0 or with architecture=cnn or transfer",
    ),
    (POCKET, "dense_layers", "dense_units=0", "dense_units above 0"),
    (
        LINEAR,
        "batch_norm",
        "architecture=mlp and dense_units=0",
        "architecture=cnn or with dense_units above 0",
    ),
    (
        PATTERNS,
        "convs_per_block kernel_size convolution squeeze_excitation block_order batch_norm",
        "stem=dct and blocks=1",
        "stem=trained or with blocks above 1",
    ),
    (
        PATTERNS,
        "activation",
        "dense_units=0 and stem=dct and blocks=1",
        "dense_units above 0 or with stem=trained or with blocks above 1",
    ),
    (
        PATTERNS,
        "dropout",
        "dense_units=0 and stem=dct and blocks=1 and architecture=cnn",
        "dense_units above 0 or with stem=trained or with blocks above 1 "
        "or with architecture=transfer",
    ),
    (replace(PLAIN, pooling="none"), "block_order", "pooling=none", "pooling=max or average"),
    (replace(PLAIN, pooling="strided"), "block_order", "pooling=strided", "pooling=max or average"),
    (PLAIN, "negative_slope", "activation=relu", "activation=leaky_relu"),
    (
        replace(PLAIN, activation="gelu"),
        "negative_slope",
        "activation=gelu",
        "activation=leaky_relu",
    ),
    (PLAIN, "momentum", "optimizer=adam", "optimizer=sgd or muon or rmsprop"),
    (TRANSFER, "momentum", "optimizer=adamw", "optimizer=sgd or muon or rmsprop"),
    (
        PLAIN,
        "split_seed",
        "split=last and train_size=0 and folds=0",
        "split=stratified or with train_size above 0 or with folds above 0",
    ),
    (PLAIN, "fold", "folds=0", "folds above 0"),
    (PLAIN, "residual", "convs_per_block=1", "convs_per_block above 1"),
    (
        DENSE,
        "residual",
        "architecture=mlp and convs_per_block=1",
        "architecture=cnn and convs_per_block above 1",
    ),
    (PLAIN, "mix_alpha", "mixup=0.0 and cutmix=0.0", "mixup above 0 or with cutmix above 0"),
    (PLAIN, "distillation distillation_temperature", "teacher=", "a teacher"),
    (PLAIN, "head_learning_rate", "head_epochs=0", "head_epochs above 0"),
    (TRANSFER, "photo_simulation", "crop=none", "crop=garment"),
    (PLAIN, "fit", "crop=garment", "crop=none"),
    (
        FROZEN,
        f"{AUGMENTATION} learning_rate schedule full_rate_steps",
        "epochs=13",
        "epochs above head_epochs=13",
    ),
    (
        FROZEN,
        "photo_simulation",
        "epochs=13 and crop=none",
        "epochs above head_epochs=13 and crop=garment",
    ),
    (
        override(TINY, {"head_epochs": str(TINY.epochs)}),
        "photo_simulation",
        "epochs=65",
        "epochs above head_epochs=65",
    ),
]
"""Recipe, fields that it does not use, what prevents it, and what would help."""


@given(st.data())
def test_a_setting_without_effect_is_refused_with_its_condition(data: st.DataObject) -> None:
    recipe, names, present, needed = data.draw(st.sampled_from(WITHOUT_EFFECT))
    name = data.draw(st.sampled_from(names.split()))
    value = data.draw(VALUES[name])
    sentence = f"{name} has no effect with {present}; it is used with {needed}"
    with pytest.raises(UsageError) as caught:
        override(recipe, {name: str(value)})
    assert str(caught.value) == sentence
    if value == OPTIONS[name].default:
        assert replace(recipe, **{name: value}) == recipe
    else:
        with pytest.raises(UsageError):
            from_json(recipe.to_json() | {name: value})


@pytest.mark.parametrize("case", WITHOUT_EFFECT, ids=lambda case: f"{case[1]}, {case[2]}")
def test_every_refused_field_is_refused_in_one_sentence(
    case: tuple[Recipe, str, str, str],
) -> None:
    recipe, names, present, needed = case
    for name in names.split():
        with pytest.raises(UsageError) as caught:
            override(recipe, {name: str(OPTIONS[name].default)})
        assert str(caught.value) == f"{name} has no effect with {present}; it is used with {needed}"


def test_every_field_with_a_condition_is_refused_somewhere() -> None:
    refused = {name for _, names, _, _ in WITHOUT_EFFECT for name in names.split()}
    assert {name for name, declared in OPTIONS.items() if declared.used_by} == refused


@pytest.mark.parametrize(
    ("recipe", "unused"),
    [
        (TRANSFER, {"blocks": 5}),
        (PLAIN, {"negative_slope": 0.3}),
        (PLAIN, {"momentum": 0.5}),
        (LEAKY, {"architecture": "mlp"}),  # keeps the blocks of leaky
    ],
)
def test_a_recipe_made_in_python_with_an_unused_value_is_refused(
    recipe: Recipe, unused: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=r"^\w+ has no effect with \S+; it is used with "):
        replace(recipe, **unused)


def test_inherited_fields_that_lose_their_effect_return_to_their_defaults() -> None:
    dense = override(LEAKY, {"architecture": "mlp"})
    assert (dense.blocks, dense.padding, dense.activation) == (2, "valid", "leaky_relu")
    assert dense == replace(
        PLAIN, name="leaky", architecture="mlp", activation="leaky_relu", epochs=LEAKY.epochs
    )
    assert overrides_of(dense) == ["architecture=mlp"]
    linear = override(LEAKY, {"architecture": "mlp", "dense_units": "0"})
    assert (linear.activation, linear.negative_slope) == ("relu", 0.1)
    steep = replace(LEAKY, negative_slope=0.3)
    assert override(steep, {"activation": "gelu"}).negative_slope == 0.1
    small = override(TRANSFER, {"architecture": "cnn", "flip": "false"})  # flip has an effect again
    assert (small.head_epochs, small.flip, small.max_shift) == (0, False, TRANSFER.max_shift)


@given(st.sampled_from(sorted(RECIPES)), SEVERAL)
def test_overridden_recipes_are_stored_and_repeated_exactly(
    name: str, changes: dict[str, Any]
) -> None:
    base = RECIPES[name]
    try:
        recipe = override(base, {key: str(value) for key, value in changes.items()})
    except UsageError as error:
        assert "\n" not in str(error)
        return
    assert from_json(recipe.to_json()) == recipe
    document = recipe.to_json()
    assert document == document | changes
    for key, declared in OPTIONS.items():
        kept = document[key] == getattr(base, key)
        reset = document[key] == declared.default and not declared.is_used(document)
        assert key in changes or kept or reset
    named = dict(option.split("=", 1) for option in overrides_of(recipe)) | {
        "seed": str(recipe.seed)
    }
    assert override(base, named) == recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_made_from_its_own_fields(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name and overrides_of(recipe) == []
    assert from_json(recipe.to_json()) == override(recipe, {}) == recipe


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="did you mean leaky.*plain, leaky"):
        get_recipe("leaki")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"name": 3},
        {"name": "x", "depth": 3},
        {"name": "x", "epochs": "3"},
        {"name": "x", "epochs": True},
        {"name": "x", "activation": ["relu"]},
        {"name": "x", "momentum": 0.5},
    ],
)
def test_a_foreign_recipe_file_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        from_json(document)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("learning_rate", 10**400),
        ("learning_rate", 10**5000),
        ("epochs", 10**5000),
        ("learning_rate", float("nan")),
        ("model_options", 5),
        ("epochs", [[1]]),
    ],
    ids=range(6),
)
def test_a_number_that_fits_nowhere_is_refused(key: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"{key}: expected") as error:
        from_json(PLAIN.to_json() | {key: value})
    assert len(str(error.value)) < 500


def test_a_stored_recipe_may_lack_newer_fields() -> None:
    document = LEAKY.to_json()
    del document["dense_layers"], document["head_learning_rate"]
    assert from_json(document) == LEAKY
    assert set(LEAKY.to_json()) == {"name", "model_options", *OPTIONS}


def test_recipes_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        LEAKY.epochs = 3  # type: ignore[misc]


def test_feature_maps_shrink_as_published() -> None:
    assert feature_map_sizes(LEAKY) == [14, 7, 4]
    assert feature_map_sizes(PLAIN) == [13, 5]


def test_every_field_is_declared_with_its_valid_values() -> None:
    declarations = [field for field in fields(Recipe) if field.name in OPTIONS]
    assert {"name", "model_options", *OPTIONS} == {field.name for field in fields(Recipe)}
    for field in declarations:
        declared = OPTIONS[field.name]
        assert (field.type, field.default) == (declared.kind, declared.default)
        assert declared.meaning.endswith(".")
        needs_none = declared.kind is bool or field.name in ("weights", "teacher")
        has_values = bool(declared.plugins or declared.words or declared.limits)
        assert needs_none != has_values, field.name
        assert declared.checked(field.name, declared.default) == declared.default


# Options of plugin architectures

PLUGIN = "package.module:build"
JSON_VALUES = st.one_of(
    st.booleans(), st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6), st.sampled_from(["a", "b c"])
)


@settings(max_examples=50)
@given(IMPORT_STRINGS, st.dictionaries(IDENTIFIERS, JSON_VALUES, max_size=4))
def test_model_options_survive_text_and_json(name: str, options: dict[str, Any]) -> None:
    written = {f"model.{key}": shown(value) for key, value in options.items()}
    recipe = override(PLAIN, {"architecture": name} | written)
    assert recipe.architecture == name and recipe.model_options == options
    assert from_json(recipe.to_json()) == recipe
    assert from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    again = dict(option.split("=", 1) for option in overrides_of(recipe))
    assert override(PLAIN, again) == recipe
    assert override(recipe, {"architecture": "cnn"}).model_options == {}
    assert override(recipe, {"model.extra": "1"}).model_options == options | {"extra": 1}


@pytest.mark.parametrize("recipe", [PLAIN, DENSE, TRANSFER])
def test_built_in_architectures_have_no_model_options(recipe: Recipe) -> None:
    with pytest.raises(UsageError, match=r"model\.width has no effect with architecture="):
        override(recipe, {"model.width": "3"})


@given(st.text(max_size=12))
def test_an_architecture_is_a_name_or_an_import_string(text: str) -> None:
    module, colon, attribute = text.strip().partition(":")
    parts = [*module.split("."), attribute]
    is_valid = text.strip() in OPTIONS["architecture"].choices or (
        bool(colon) and all(part.isidentifier() for part in parts)
    )
    try:
        recipe = override(PLAIN, {"architecture": text})
    except UsageError as error:
        assert not is_valid and "architecture: expected" in str(error)
    else:
        assert is_valid and recipe.architecture == text.strip()


def test_a_plugin_architecture_may_use_every_field() -> None:
    recipe = override(PLAIN, {"architecture": PLUGIN, "hard_example_fraction": "0.5"})
    values = recipe.to_json()
    deciding = ("architecture",)
    for name, declared in OPTIONS.items():
        if any(set(case) <= set(deciding) for case in declared.used_by):
            assert declared.is_used(values), name


def test_recipes_are_listed_and_changed_by_name() -> None:
    assert list_recipes() == list(RECIPES)
    assert get_recipe("leaky", epochs=3) == override(LEAKY, {"epochs": "3"})
    assert get_recipe("leaky", architecture="mlp") == override(LEAKY, {"architecture": "mlp"})
    assert get_recipe("leaky", **{"architecture": PLUGIN, "model.width": 8}).model_options == {
        "width": 8
    }
    with pytest.raises(UsageError, match="did you mean epochs"):
        get_recipe("leaky", epoch=3)
    with pytest.raises(UsageError, match="epochs: expected a whole number"):
        get_recipe("leaky", epochs=3.5)
