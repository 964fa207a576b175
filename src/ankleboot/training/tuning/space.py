"""Search space: which fields of a recipe are varied, and between which values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.recipes.option import Option
from ankleboot.recipes.parse import override, parse_value, unknown_field
from ankleboot.recipes.recipe import OPTIONS, Recipe
from ankleboot.recipes.search_range import Around, Between, Each

DIGITS = 3  # significant ones of a drawn number
ALL = "all"


@dataclass(frozen=True)
class Dimension:
    """Values that a field may take: `choices`, or numbers from `low` to `high`."""

    choices: tuple[Any, ...] = ()
    low: float | int = 0
    high: float | int = 0
    is_log: bool = False
    is_whole: bool = False

    def describe(self) -> str:
        """Describe the values."""
        if self.choices:
            return ", ".join(str(choice).lower() for choice in self.choices)
        return f"{self.low:g} to {self.high:g}{' (logarithmic)' if self.is_log else ''}"


Space = Mapping[str, Dimension]
"""Dimension by field of the recipe."""


def search_space(recipe: Recipe, fields: Sequence[str] = ()) -> dict[str, Dimension]:
    """Return the search space of a recipe.

    Args:
        recipe: Recipe to improve, whose own values the ranges depend on.
        fields: "FIELD" for the field's own range, "FIELD=LOW:HIGH" or "FIELD=A,B,C" for another
            one, "all" for every field that has one; empty for those that matter most.

    Raises:
        UsageError: If a field is unknown, has no effect in the recipe, or no range.
    """
    values = recipe.to_json()
    searchable = [
        key for key, option in OPTIONS.items() if option.search and option.is_used(values)
    ]
    takes_all = ALL in fields
    if not fields:
        fields = [key for key in searchable if OPTIONS[key].searched]
    elif takes_all:
        fields = [*searchable, *(field for field in fields if "=" in field)]
    space = {}
    for text in fields:
        key, equals, given = text.partition("=")
        if key not in OPTIONS:
            raise unknown_field(key)
        if not OPTIONS[key].is_used(values):
            raise UsageError(OPTIONS[key].refusal(key, values))
        dimension = _given(key, given) if equals else _own(key, values[key])
        if dimension is not None:
            space[key] = dimension
        elif not takes_all:
            raise UsageError(
                f"--search {key}: no range is known for {key}={values[key]}; give one, such as "
                f"{key}=LOW:HIGH or {key}=A,B"
            )
    if not space:
        raise UsageError("nothing to search: no field of this recipe has a range")
    return space


def _own(key: str, value: Any) -> Dimension | None:
    """Return the field's own range around a recipe's value; None if there is none."""
    option = OPTIONS[key]
    is_whole = option.kind is int
    match option.search:
        case Each():
            return Dimension(option.choices or (False, True))
        case Around(factor) if value:
            low, high = _within(option, value / factor, value * factor)
            return Dimension(low=low, high=high, is_log=True, is_whole=is_whole)
        case Between(low, high, log):
            low, high = _within(option, low, max(high, 2 * value if value > high else high))
            return Dimension(low=low, high=high, is_log=log, is_whole=is_whole)
    return None


def _given(key: str, text: str) -> Dimension:
    """Read the user's LOW:HIGH or A,B,C."""
    option = OPTIONS[key]
    low, colon, high = text.partition(":")
    if not colon or option.kind not in (int, float):
        choices = tuple(dict.fromkeys(parse_value(key, part) for part in text.split(",")))
        if len(choices) < 2:
            raise UsageError(f"--search {key}={text}: expected LOW:HIGH or two values or more")
        return Dimension(choices)
    bounds = parse_value(key, low), parse_value(key, high)
    if bounds[0] >= bounds[1]:
        raise UsageError(f"--search {key}={text}: expected a low bound below the high one")
    is_log = isinstance(option.search, Around) or (
        isinstance(option.search, Between) and option.search.log
    )
    return Dimension(
        low=bounds[0],
        high=bounds[1],
        is_log=is_log and bounds[0] > 0,
        is_whole=option.kind is int,
    )


def _within(option: Option, low: float | int, high: float | int) -> tuple[float | int, float | int]:
    """Clip bounds to the valid values; whole numbers for a field of these."""
    if option.limits:
        low, high = max(low, option.limits[0]), min(high, option.limits[1])
    return (math.ceil(low), math.floor(high)) if option.kind is int else (low, high)


def apply_values(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Return the recipe with drawn values, rounded; those without effect are left out.

    Raises:
        UsageError: If the values contradict each other.
    """
    rounded = {key: _rounded(value) for key, value in values.items()}
    return override(recipe, rounded, drop_unused=True)


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
