"""The reference as Markdown pages, from the docstrings; nothing is imported, griffe reads them.

One page per module or folder directly below the package, with everything public that is defined
there. Docstrings are Markdown, as everywhere in this project.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).parents[1]
TITLES = {
    "parameters": "Takes",
    "attributes": "Has",
    "returns": "Returns",
    "yields": "Yields",
    "raises": "Raises",
}
MAX_LINE = 88  # of a signature on one line


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


def pages(source: Path = ROOT / "src") -> dict[str, str]:
    """The pages by the name of their module.

    Raises:
        ValueError: If a docstring names a parameter that does not exist, or the like.
    """
    complaints = _Complaints()
    logger = logging.getLogger("griffe")
    logger.addHandler(complaints)
    logger.propagate = False
    try:
        package = griffe.load(
            "ankleboot", search_paths=[source], docstring_parser="google", allow_inspection=False
        )
        found = {
            name: "\n".join(_module(module, level=1)).strip() + "\n"
            for name, module in sorted(package.modules.items())
            if not name.startswith("_")
        }
    finally:
        logger.removeHandler(complaints)
        logger.propagate = True
    if complaints.found:
        raise ValueError("docstrings: " + "; ".join(complaints.found))
    return found


def first_sentence(page: str) -> str:
    """What a page says first."""
    return page.split("\n\n")[1].replace("\n", " ").strip()


def _module(module: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} `{module.path}`\n"
    yield from _docstring(module)
    for member in _public(module):
        if member.is_function:
            yield from _function(member, level + 1)
        elif member.is_class:
            yield from _class(member, level + 1)
        elif member.is_attribute and member.docstring:
            yield from _value(member, level + 1)
    for below in sorted(module.modules.values(), key=lambda one: str(one.name)):
        if not below.is_alias and not below.name.startswith("_"):
            yield from _module(below, level + 1)


def _public(owner: Any) -> list[Any]:
    """What is defined in a module or class itself, in its order."""
    return [
        member
        for name, member in owner.members.items()
        if not name.startswith("_") and not member.is_alias and not member.is_module
    ]


def _function(function: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} {function.name}\n"
    yield _signature(function)
    yield from _docstring(function)


def _class(one: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} {one.name}\n"
    bases = ", ".join(str(base) for base in one.bases)
    fields = _public(one) if "dataclass" in one.labels else []
    lines = [f"class {one.name}{f'({bases})' if bases else ''}"]
    if fields := [field for field in fields if field.is_attribute and field.annotation]:
        for field in fields:
            if "property" not in field.labels:
                value = "" if field.value is None else f" = {field.value}"
                lines.append(f"    {field.name}: {field.annotation}{value}")
    yield "```python\n" + "\n".join(lines) + "\n```\n"
    yield from _docstring(one)
    for member in _public(one):
        if member.is_function:
            yield from _function(member, level + 1)
        elif member.docstring and "property" in member.labels:
            yield from _value(member, level + 1)


def _value(attribute: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} {attribute.name}\n"
    if attribute.annotation:
        yield f"```python\n{attribute.name}: {attribute.annotation}\n```\n"
    yield from _docstring(attribute)


def _signature(function: Any) -> str:
    text = function.signature()
    if len(text) > MAX_LINE:
        inside, _, returned = text.partition("(")[2].rpartition(")")
        parts = [*_parts(inside)]
        text = f"{function.name}(\n    " + ",\n    ".join(parts) + f",\n){returned}"
    return f"```python\n{text}\n```\n"


def _parts(inside: str) -> Iterator[str]:
    """The parameters of a signature; commas within brackets do not part them."""
    depth = start = 0
    for place, character in enumerate(inside):
        depth += character in "([{"
        depth -= character in ")]}"
        if character == "," and depth == 0:
            yield inside[start:place].strip()
            start = place + 1
    yield inside[start:].strip()


def _docstring(owner: Any) -> Iterator[str]:
    for section in owner.docstring.parsed if owner.docstring else []:
        kind = section.kind.value
        if kind == "text":
            yield _text(section.value) + "\n"
        elif kind in TITLES:
            yield f"**{TITLES[kind]}**\n"
            yield "\n".join(_entry(kind, one) for one in section.value) + "\n"
        elif kind == "admonition":
            yield f"*{section.title}:* {_text(section.value.description)}\n"
        else:
            raise ValueError(f"{owner.path}: a section {kind!r} that has no form yet")


def _entry(kind: str, one: Any) -> str:
    description = _text(one.description).replace("\n", "\n  ")
    if kind in ("returns", "yields"):
        return f"- {description}"
    name = one.annotation if kind == "raises" else one.name
    return f"- `{name}`: {description}"


def _text(text: str) -> str:
    """A docstring's Markdown; bare addresses become links."""
    return re.sub(r"(?<![<(])(https?://[^\s,;)]+[^\s,;).])", r"<\1>", text)
