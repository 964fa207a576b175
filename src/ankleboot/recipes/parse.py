"""Recipes from stored documents, and from values of the user such as those of `--set`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ankleboot.core.documents import parse_document
from ankleboot.core.errors import UsageError
from ankleboot.core.text import near_name
from ankleboot.recipes.recipe import IN_ORDER, OPTIONS, Recipe

BOOLEANS = dict.fromkeys(("true", "yes", "on", "1"), True)
BOOLEANS |= dict.fromkeys(("false", "no", "off", "0"), False)


def from_json(document: Mapping[str, Any]) -> Recipe:
    """Rebuild a recipe from `Recipe.to_json`; fields that it lacks take their defaults.

    Raises:
        UsageError: If a field is unknown or invalid, or the name is missing.
    """
    for key in document:
        if key not in OPTIONS and key not in ("name", "model_options"):
            raise unknown_field(key)
    name = document.get("name")
    if not isinstance(name, str):
        raise UsageError(f"name: expected a name, got {name!r}")
    model_options = document.get("model_options", {})
    if not isinstance(model_options, dict):
        raise UsageError(f"model_options: expected a value for each name, got {model_options!r}")
    values = {key: OPTIONS[key].checked(key, document[key]) for key in document if key in OPTIONS}
    return Recipe(name=name, model_options=model_options, **values)


def parse_settings(settings: Sequence[str]) -> dict[str, str]:
    """Read KEY=VALUE of --set.

    Raises:
        UsageError: If a setting is not of this form, or a key is set twice.
    """
    values: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        key = key.strip()
        if not equals:
            raise UsageError(f"--set {setting}: expected KEY=VALUE")
        if key in values:
            raise UsageError(f"{key} is set twice, to {values[key]} and to {value}")
        values[key] = value
    return values


def override(recipe: Recipe, values: Mapping[str, Any], *, drop_unused: bool = False) -> Recipe:
    """Replace fields of a recipe.

    A field that the values name must have an effect in the new recipe. A field of the old recipe
    that loses its effect returns to its default: `{"architecture": "mlp"}` on `leaky` resets
    `blocks` and `padding`. Frozen epochs that fewer epochs leave no room for keep their share.

    Args:
        recipe: Recipe to start from.
        values: Values by field, as objects or as the text of `--set`; "model.KEY" is an option of
            a plugin architecture.
        drop_unused: Whether a value without effect is left out instead of refused.

    Raises:
        UsageError: If a field is unknown or has no effect, or a value is invalid.
    """
    parsed: dict[str, Any] = {}
    model_options: dict[str, Any] = {}
    for key, value in values.items():
        if key.startswith("model."):
            model_options[key.removeprefix("model.")] = _parse_option(value)
            continue
        parsed[key] = parse_value(key, value)
    if model_options or "architecture" not in parsed:  # else they are of the former architecture
        model_options = {**recipe.model_options, **model_options}
    document = recipe.to_json() | parsed | {"model_options": model_options}
    if "head_epochs" not in parsed and document["head_epochs"] > document["epochs"]:
        share = recipe.head_epochs / recipe.epochs
        document["head_epochs"] = max(1, round(share * document["epochs"]))
    for key in IN_ORDER:
        if OPTIONS[key].is_used(document):
            continue
        if key in parsed and not drop_unused:
            raise UsageError(OPTIONS[key].refusal(key, document))
        document[key] = OPTIONS[key].default
    return Recipe(**document)


def unknown_field(key: str) -> UsageError:
    """Return the error for a field that no recipe has; there are too many to list them all."""
    near = near_name(key, OPTIONS)
    return UsageError(
        f"unknown recipe field {key!r}{near}; "
        f"ankleboot recipes RECIPE lists the {len(OPTIONS)} fields"
    )


def parse_value(key: str, value: Any) -> Any:
    """Return a value of a field, which may be the text of `--set`.

    Raises:
        UsageError: If the field is unknown or the value is invalid.
    """
    if key not in OPTIONS:
        raise unknown_field(key)
    return OPTIONS[key].checked(key, _parse(value, OPTIONS[key].kind))


def _parse_option(value: Any) -> Any:
    """Read a JSON value; other text stays text."""
    try:
        return parse_document(value, object) if isinstance(value, str) else value
    except ValueError:
        return value


def _parse(value: Any, kind: type) -> Any:
    """Read text as a value of a kind; text that is none stays text."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if kind is bool:
        return BOOLEANS.get(text.lower(), text)
    with suppress(ValueError):
        return kind(text)
    return text
