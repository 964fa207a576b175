"""Conversion of figures to SVG with the page's colors and font, and to PNG."""

import base64
import html
import io
import re
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.figure import Figure

from ankleboot.evaluation.plots.style import TRAIN_COLOR, draw_figure

INK = "#010203"  # unique, to be replaced by the page's text color
BLUE = "var(--blue)"  # the blue of the page; that of the figures is too dark on black
STYLE = {
    **{f"axes.{name}color": INK for name in ("edge", "label", "title")},
    **{f"{name}.color": INK for name in ("text", "xtick", "ytick", "grid")},
    **{f"{name}.facecolor": "none" for name in ("axes", "figure", "savefig", "legend")},
    "svg.fonttype": "none",  # keeps text searchable
    "svg.hashsalt": "ankleboot",  # makes the bytes deterministic
}


def svg(draw: Callable[[], Figure], title: str) -> str:
    """Draw a figure with the page's style as an SVG element; screen readers say the title."""
    with mpl.rc_context(STYLE):
        content = io.StringIO()
        draw_figure(draw(), content, format="svg", metadata={"Date": None, "Creator": None})
    text = content.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace(TRAIN_COLOR, BLUE)
    for side in ("width", "height"):
        text = re.sub(rf'(<svg[^>]*?) {side}="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{html.escape(title)}"', 1)


def png_url(figure: Figure) -> str:
    """Convert a figure to a data URL of a PNG."""
    return "data:image/png;base64," + base64.b64encode(png(figure)).decode()


def png(figure: Figure) -> bytes:
    """Convert a figure to a PNG."""
    content = io.BytesIO()
    draw_figure(figure, content, format="png", dpi=110)
    return content.getvalue()
