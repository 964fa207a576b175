"""Declarations of a recipe's fields: default, meaning, valid values, and conditions of use.

    filters: int = option(32, "Number of filters.", (1, 1024), used_by=CNN)

A field that is not used in a recipe has no effect on the training run.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any, TypeVar

from ankleboot.core import plugins
from ankleboot.core.errors import UsageError
from ankleboot.core.text import truncate_middle
from ankleboot.recipes.search_range import SearchRange

T = TypeVar("T")

MAX_SHOWN_CHARS = 200  # of an invalid value
KEY = "option"
"""Key of the declaration in the metadata of a dataclass field."""


@dataclass(frozen=True)
class Above:
    """Condition on a number: it is above the bound, which is a number or another field."""

    bound: int | str


@dataclass(frozen=True)
class Given:
    """Condition on a name or path: it is not empty."""


Condition = tuple[str, ...] | Above | Given
"""Values that a field may have, a bound that it exceeds, or any name."""

Limits = tuple[float | int, float | int]
Case = Mapping[str, Condition]
"""Conditions by field that hold together."""


@dataclass(frozen=True)
class Option:
    """Declaration of one field; `words` and `plugins` are empty for other kinds of fields."""

    default: Any
    meaning: str  # sentence or noun phrase for the user
    limits: Limits | None = None  # smallest and largest valid number, both included
    used_by: tuple[Case, ...] = ()  # in each of which the field has an effect; () if always
    words: tuple[str, ...] = ()  # valid ones
    plugins: str = ""  # kind of plugin that the field names
    search: SearchRange | None = None  # sensible values in a search; None if there are none
    searched: bool = False  # by a search that names no fields

    @property
    def choices(self) -> tuple[str, ...]:
        """Words, or names of plugins, that the field takes; empty for other kinds of fields."""
        return plugins.names(self.plugins) if self.plugins else self.words

    @property
    def kind(self) -> type:
        """Type of the field: bool, int, float or str."""
        return type(self.default)

    def valid_values(self) -> str:
        """Describe the valid values in words."""
        if self.plugins:
            return " or ".join((*self.choices, "package.module:attribute"))
        if self.words:
            return " or ".join(self.words)
        if self.limits:
            low, high = self.limits
            kind = "a whole number" if self.kind is int else "a number"
            return f"{kind} from {low:g} to {high:.10g}"
        return "true or false" if self.kind is bool else "a name or path"

    def checked(self, name: str, value: Any) -> Any:
        """Return the value, a whole number as float where the field holds floats.

        Raises:
            UsageError: If the value is not valid.
        """
        if self.kind is float and type(value) is int:  # JSON and users write 1 for 1.0
            with suppress(OverflowError):  # too large: refused below
                value = float(value)
        if self.words and type(value) in (int, float):  # Python users write 0.5 for the word
            value = str(value)
        is_valid = type(value) is self.kind and (not self.words or value in self.words)
        if is_valid and self.plugins and value != self.default:
            is_valid = plugins.is_name(self.plugins, value)
        if is_valid and self.limits:
            is_valid = self.limits[0] <= value <= self.limits[1]  # refuses nan, too
        if not is_valid:
            raise UsageError(f"{name}: expected {self.valid_values()}, got {_brief(value)}")
        return value

    def is_used(self, values: Mapping[str, Any]) -> bool:
        """Check if the field has an effect in a recipe of these values."""
        return not self.used_by or any(not _unmet(case, values) for case in self.used_by)

    def remedy(self, values: Mapping[str, Any]) -> str:
        """Describe the fewest changes of other fields that give this field an effect."""
        cases = self._missing(values)
        return " or with ".join(
            " and ".join(_requirement(key, case[key], values) for key in case) for case in cases
        )

    def refusal(self, name: str, values: Mapping[str, Any]) -> str:
        """Describe why the field has no effect, and with which values it has one."""
        keys = dict.fromkeys(key for case in self._missing(values) for key in case)
        present = " and ".join(f"{key}={shown(values[key])}" for key in keys)
        return f"{name} has no effect with {present}; it is used with {self.remedy(values)}"

    def _missing(self, values: Mapping[str, Any]) -> list[Case]:
        """Collect what the nearest cases lack; values of one field count as one case."""
        unmet = [_unmet(case, values) for case in self.used_by]
        fewest = min(len(case) for case in unmet)
        cases: dict[tuple[str, ...], Case] = {}
        for case in unmet:
            if len(case) == fewest:
                keys = tuple(case)
                cases[keys] = _unite(cases[keys], case) if keys in cases else case
        return list(cases.values())


def option(
    default: T,
    meaning: str,
    limits: Limits | None = None,
    used_by: Case | tuple[Case, ...] = (),
    *,
    words: tuple[str, ...] = (),
    plugins: str = "",
    search: SearchRange | None = None,
    searched: bool = False,
) -> T:
    """Declare a field of a dataclass; see `Option`."""
    cases = used_by if isinstance(used_by, tuple) else (used_by,)
    declared = Option(default, meaning, limits, cases, words, plugins, search, searched)
    return field(default=default, metadata={KEY: declared})


def in_order(options: Mapping[str, Option]) -> tuple[str, ...]:
    """Order the fields so that each comes after all that decide if it has an effect."""
    deciding: TopologicalSorter[str] = TopologicalSorter()
    for key, declared in options.items():
        deciding.add(key)
        for name, condition in (pair for case in declared.used_by for pair in case.items()):
            bound = condition.bound if isinstance(condition, Above) else None
            deciding.add(key, name, *([bound] if isinstance(bound, str) else []))
    return tuple(deciding.static_order())


def _brief(value: Any) -> str:
    """Write a value for a message, shortened."""
    try:
        return truncate_middle(repr(value), MAX_SHOWN_CHARS)
    except (ValueError, RecursionError):  # Python writes no number of more than 4,300 digits
        return f"a value of type {type(value).__name__}"


def shown(value: Any) -> str:
    """Write a value in the form that `--set` accepts."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unmet(case: Case, values: Mapping[str, Any]) -> Case:
    return {key: case[key] for key in case if not _holds(key, case[key], values)}


def _unite(first: Case, second: Case) -> Case:
    """Unite two cases of one field of words; of other fields the first case stands for both."""
    (key, words), *others = first.items()
    more_words = second[key]
    if others or not (isinstance(words, tuple) and isinstance(more_words, tuple)):
        return first
    return {key: tuple(dict.fromkeys(words + more_words))}


def _holds(name: str, condition: Condition, values: Mapping[str, Any]) -> bool:
    value = values[name]
    if isinstance(condition, Above):
        bound = condition.bound
        return bool(value > (values[bound] if isinstance(bound, str) else bound))
    if isinstance(condition, Given):
        return bool(value)
    return value in condition or is_foreign(name, value)


def is_foreign(name: str, value: Any) -> bool:
    """Return whether the field names a plugin from outside, which may use any other field."""
    kind = f"{name}s"  # the field "architecture" names one of the kind "architectures"
    return kind in plugins.BUILT_IN and bool(value) and value not in plugins.BUILT_IN[kind]


def _requirement(name: str, condition: Condition, values: Mapping[str, Any]) -> str:
    if isinstance(condition, Above):
        bound = condition.bound
        return f"{name} above {f'{bound}={values[bound]}' if isinstance(bound, str) else bound}"
    if isinstance(condition, Given):
        return f"a {name}"
    return f"{name}={' or '.join(condition)}"
