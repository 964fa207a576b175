"""Pages from Jinja templates; `base.html` is their common frame."""

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from ankleboot import __version__
from ankleboot.core.text import share_text, truncate_middle

WEB = Path(__file__).parent
SHARED = WEB / "shared"  # files that are copied beside those of each page
TEMPLATES = WEB / "templates"


def render(content: dict[str, Any], template: str, drawn: Collection[str]) -> str:
    """Fill a template from `templates` and return the page as HTML.

    All values are escaped but those named in `drawn`: SVG, or lists of SVG, made by this package.
    """
    marked = {name: _markup(content[name]) for name in drawn}
    values = {"version": __version__} | content | marked
    return _environment(TEMPLATES).get_template(template).render(values)


@cache
def _environment(folder: Path) -> jinja2.Environment:
    """Return the environment of a folder of templates, which keeps those that it compiled."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = truncate_middle
    environment.filters["percent"] = _percent
    environment.filters["code"] = _code
    return environment


def _percent(fraction: float | None) -> str:
    """Write a fraction in percent; a dash stands for what is not measured."""
    return "-" if fraction is None else share_text(fraction, 1)


def _code(text: str) -> Markup:
    """Escape a text, and set what stands between backticks as code."""
    parts = str(escape(text)).split("`")
    tagged = [f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts)]
    return Markup("".join(tagged))  # noqa: S704 - escaped above


def _markup(value: str | list[str]) -> Markup | list[Markup]:
    return [Markup(svg) for svg in value] if isinstance(value, list) else Markup(value)  # noqa: S704
