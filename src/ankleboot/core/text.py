"""Display of text that users and files supply."""

import difflib
import json
import math
import re
from collections.abc import Iterable
from typing import Any

MAX_NAME_BYTES = 150  # file systems take 255; a number, an ending and a temporary name are added

DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
"""Names, up to the first dot, that stand for devices on Windows."""


def escape_unprintable(text: str) -> str:
    """Escape line breaks, control characters and marks that reverse the direction of text."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escape_lines(text: str) -> str:
    """Escape as `escape_unprintable` does, but keep the line breaks."""
    return "\n".join(map(escape_unprintable, text.split("\n")))


def escape_markdown(text: str) -> str:
    """Escape what Markdown or HTML would take for markup, and as `escape_unprintable` does."""
    return re.sub(r"([\\`*\[\]<>|&#~]|\b_|_\b)", r"\\\1", escape_unprintable(text))


def json_text(document: Any, indent: int | None = None) -> str:
    """Return a document as strict JSON of printable ASCII; numbers that JSON lacks become null."""
    return json.dumps(_finite(document), indent=indent).replace("\x7f", "\\u007f")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def folder_name(name: str) -> str:
    """Return a name that every system accepts for a folder: "T-shirt/top" gives "T-shirt-top"."""
    printable = "".join(c if c.isprintable() else "-" for c in name)
    text = re.sub(r'[\\/:*?"<>|]', "-", printable).strip(". ")
    text = text.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(". ") or "-"
    return f"-{text}" if DEVICES.fullmatch(text.partition(".")[0].rstrip()) else text


def percent_text(probability: float) -> str:
    """Return a probability in whole percent, never as "0 %" or "100 %": no model is certain."""
    text = f"{100 * probability:.0f}"
    return {"100": ">99 %", "0": "<1 %"}.get(text, f"{text} %")


def share_text(fraction: float, digits: int = 0) -> str:
    """Return a measured fraction in percent: "100" only if it is all, "0" only if it is none."""
    text, step = f"{100 * fraction:.{digits}f}", 10.0**-digits
    if fraction < 1 and float(text) >= 100:
        return f">{100 - step:.{digits}f}"
    if fraction > 0 and float(text) == 0:
        return f"<{step:.{digits}f}"
    return text


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: "1 image", "2 images"; an "s" makes the plural by default."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def truncate_middle(text: str, length: int = 24) -> str:
    """Shorten a long name to its beginning and its end."""
    if len(text) <= length:
        return text
    return f"{text[: length - length // 3 - 3]}...{text[-(length // 3) :]}"


def near_name(name: str, valid: Iterable[str]) -> str:
    """Return a hint at the closest valid name, in brackets; empty if none is close."""
    close = difflib.get_close_matches(name, list(valid), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> str:
    """Describe an unknown name, the closest valid one and all valid ones."""
    names = list(valid)
    return f"unknown {kind} {name!r}{near_name(name, names)}; valid: {', '.join(names)}"
