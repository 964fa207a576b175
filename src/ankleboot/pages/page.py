"""Fill a template; everything that is put into it is escaped unless it was drawn here.

base.html holds what all pages share: the looks, the frame, the footer.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ankleboot import __version__
from ankleboot.printable import shortened

FOLDER = Path(__file__).parent


def render(content: dict[str, Any], template: Path, drawn: Collection[str]) -> str:
    """A page as HTML.

    Args:
        content: Names and values for the template.
        template: Extends base.html.
        drawn: Names of `content` that are SVG made by our own code, or lists of it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = shortened
    marked = {name: _markup(content[name]) for name in drawn}
    found = {"version": __version__} | content | marked
    return environment.get_template(template.name).render(found)


def _markup(value: str | list[str]) -> Markup | list[Markup]:
    return [Markup(one) for one in value] if isinstance(value, list) else Markup(value)  # noqa: S704
