"""Text from outside, safe to show."""

import difflib
from collections.abc import Iterable


def escape_unprintable(text: str) -> str:
    """Show what a name hides: line breaks, control characters, marks that turn text around."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def truncate_middle(text: str, length: int = 24) -> str:
    """At most so many characters: the begin and the end of a long name, which tell most."""
    if len(text) <= length:
        return text
    return f"{text[: length - length // 3 - 3]}...{text[-(length // 3) :]}"


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> str:
    """Describe a name that does not exist: the closest valid one, and all of them."""
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"unknown {kind} {name!r}{hint}; valid: {', '.join(names)}"
