"""Display of text that users and files supply."""

import difflib
import re
from collections.abc import Iterable


def escape_unprintable(text: str) -> str:
    """Escape line breaks, control characters and marks that reverse the direction of text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def folder_name(name: str) -> str:
    """Return a name that every system accepts for a folder: "T-shirt/top" gives "T-shirt-top"."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "-", name).strip(". ") or "-"


def truncate_middle(text: str, length: int = 24) -> str:
    """Shorten a long name to its beginning and its end."""
    if len(text) <= length:
        return text
    return f"{text[: length - length // 3 - 3]}...{text[-(length // 3) :]}"


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> str:
    """Describe an unknown name, the closest valid one and all valid ones."""
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"unknown {kind} {name!r}{hint}; valid: {', '.join(names)}"
