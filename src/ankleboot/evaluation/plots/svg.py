"""Conversion of figures to SVG with the page's colors and font, and to PNG."""

import base64
import io
import re
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.figure import Figure

from ankleboot.core.silence import without_glyph_warnings
from ankleboot.evaluation.plots.style import TRAIN_COLOR

INK = "#010203"  # unique, to be replaced by the page's text color
BLUE = "var(--blue)"  # the blue of the page; that of the figures is too dark on black
STYLE = {
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": "none",
    "svg.fonttype": "none",  # keeps text searchable
    "svg.hashsalt": "ankleboot",  # makes the bytes deterministic
}

STANDALONE_STYLE = (
    "<style>svg{color:#1d1d1f;--blue:#1f5fa8;font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#f1efea;--blue:#6aa9ea}}</style>"
)
"""Colors and font for an SVG file without a page."""


def svg(draw: Callable[[], Figure], title: str) -> str:
    """Convert a figure to an SVG element.

    Args:
        draw: Function that draws the figure; it runs with the page's style.
        title: Description for screen readers.
    """
    with mpl.rc_context(STYLE), without_glyph_warnings():
        content = io.StringIO()
        draw().savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    text = content.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace(TRAIN_COLOR, BLUE)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)


def svg_file(draw: Callable[[], Figure], title: str) -> bytes:
    """Convert a figure to an SVG file, which follows the light or dark scheme of its viewer."""
    text = svg(draw, title)
    end = text.index(">") + 1
    return f"{text[:end]}{STANDALONE_STYLE}{text[end:]}".encode()


def png_url(figure: Figure) -> str:
    """Convert a figure to a data URL of a PNG."""
    return "data:image/png;base64," + base64.b64encode(png(figure)).decode()


def png(figure: Figure) -> bytes:
    """Convert a figure to a PNG."""
    content = io.BytesIO()
    with without_glyph_warnings():
        figure.savefig(content, format="png", dpi=80)
    return content.getvalue()
