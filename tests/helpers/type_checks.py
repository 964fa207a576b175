"""Type checks of the package while its tests run: cheaper ones where no array is concerned.

`jaxtyped` compares the shapes of all arrays of a call. For that it binds the arguments, and checks
them twice, in every function of the package. Most functions have no array: beartype checks them
alone, as strictly, for a fraction of the time.
"""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

import jaxtyping


def check_shapes_of_arrays_only() -> None:
    """Let the import hook of jaxtyping leave functions without arrays to beartype."""
    original = jaxtyping.jaxtyped

    def jaxtyped(*, typechecker: Callable[[Any], Any]) -> Callable[[Any], Any]:
        shaped = original(typechecker=typechecker)
        return lambda item: _checked(item, typechecker) if _is_plain(item) else shaped(item)

    jaxtyping.jaxtyped = jaxtyped  # type: ignore[assignment]


def _checked(function: Any, typechecker: Callable[[Any], Any]) -> Any:
    """Return the function with the checks of its types, which `no_type_checks` leaves out."""
    checked = typechecker(function)

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        chosen = function if jaxtyping.config.jaxtyping_disable else checked
        return chosen(*args, **keywords)

    return call


def _is_plain(item: Any) -> bool:
    """Return whether this is a function that returns at once, and whose types name no array."""
    if not inspect.isfunction(item) or inspect.iscoroutinefunction(item):
        return False
    if inspect.isgeneratorfunction(item) or inspect.isasyncgenfunction(item):
        return False
    return not any(map(_may_be_array, item.__annotations__.values()))


def _may_be_array(hint: Any) -> bool:
    """Return whether a type is or holds an array with a shape; a name in quotes may be one."""
    if isinstance(hint, str | typing.ForwardRef):
        return True
    if isinstance(hint, list | tuple):  # the arguments of a Callable
        return any(map(_may_be_array, hint))
    if isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(map(_may_be_array, typing.get_args(hint)))
