"""Fill a template; everything that is put into it is escaped unless it was drawn here.

base.html holds what all pages share: the looks, the frame, the footer.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ankleboot import __version__
from ankleboot.core.text import truncate_middle

WEB = Path(__file__).parent
SHARED = WEB / "shared"  # scripts and styles that several pages use
TEMPLATES = WEB / "templates"


def render(content: dict[str, Any], template: str, drawn: Collection[str]) -> str:
    """A page as HTML.

    Args:
        content: Names and values for the template.
        template: Name of a file in `templates`; it extends base.html.
        drawn: Names of `content` that are SVG made by our own code, or lists of it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = truncate_middle
    marked = {name: _markup(content[name]) for name in drawn}
    found = {"version": __version__} | content | marked
    return environment.get_template(template).render(found)


def _markup(value: str | list[str]) -> Markup | list[Markup]:
    return [Markup(one) for one in value] if isinstance(value, list) else Markup(value)  # noqa: S704
