"""Plugins of a recipe from outside the package: refusal without trust, and versions."""

from typing import Any

from ankleboot.core import plugins
from ankleboot.recipes.recipe import OPTIONS, Recipe


def foreign_plugins(recipe: Recipe) -> dict[str, str]:
    """Return the names of a recipe's plugins from outside the package, by field."""
    return {
        field: name
        for field, option in OPTIONS.items()
        if option.plugins
        and (name := getattr(recipe, field))
        and name not in plugins.BUILT_IN[option.plugins]
    }


def refuse_foreign_plugins(recipe: Recipe) -> None:
    """Refuse a recipe from a file that names code from outside; nothing is imported."""
    for field, name in foreign_plugins(recipe).items():
        plugins.resolve(OPTIONS[field].plugins, name, trust=False)


def plugin_versions(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return name and distributions of each plugin from outside the package, by field."""
    return {
        field: {"name": name, "distributions": plugins.distributions(OPTIONS[field].plugins, name)}
        for field, name in foreign_plugins(recipe).items()
    }
