"""Places in a JSON document, and what may stand there instead."""

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

DEPTH = 20_000
DEEP = "\ue000"  # stands for deep nesting until the document is text
VALUES = ("absent", "null", "another type", "negative", "huge", "not a number", "empty", "deep")

Place = tuple[str | int, ...]


def places_of(document: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the place of every key, and of the first item of every list."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield (*place, key)
            yield from places_of(value, (*place, key))
    elif isinstance(document, list) and document:
        yield (*place, 0)
        yield from places_of(document[0], (*place, 0))


def with_value(document: Any, place: Place, kind: str) -> bytes:
    """Return the text of a document with another value at a place."""
    changed = copy.deepcopy(document)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    key, old = place[-1], holder[place[-1]]
    if kind == "absent":
        del holder[key]
    else:
        holder[key] = _value(kind, old)
    return json.dumps(changed).replace(f'"\\u{ord(DEEP):x}"', "[" * DEPTH + "]" * DEPTH).encode()


def _value(kind: str, old: Any) -> Any:
    match kind:
        case "null":
            return None
        case "another type":
            return 5 if isinstance(old, str | list | dict) else "x"
        case "negative":
            return -1 if not isinstance(old, str) else "-1"
        case "huge":
            return 10**400 if isinstance(old, int | float) else 2**63
        case "not a number":
            return math.nan
        case "empty":
            return type(old)() if isinstance(old, str | list | dict) else ""
        case _:
            return DEEP
