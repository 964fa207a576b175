"""Fill the template; everything that is put into it is escaped unless it was drawn here."""

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ankleboot.printable import shortened

DRAWN = (
    "curves",
    "size_curve",
    "precision_recall",
    "reliability",
    "risk_coverage",
)  # SVG made by our own code


def render(content: dict[str, Any]) -> str:
    """The page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = shortened
    drawn = {name: Markup(content[name]) for name in DRAWN}  # noqa: S704
    return environment.get_template("page.html").render(content | drawn)
