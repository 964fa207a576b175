"""Figures as SVG that takes the page's colors, light or dark, and its font."""

import base64
import io
import re
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.figure import Figure

from ankleboot.core.silence import without_glyph_warnings
from ankleboot.evaluation.plots.style import TRAIN_COLOR

INK = "#010203"  # nobody else draws in it: replaced by the page's own color
BLUE = "var(--blue)"  # of the page: the figures' own is too dark on black
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
    "svg.fonttype": "none",  # text stays text: it can be searched and restyled
    "svg.hashsalt": "ankleboot",  # the same figure gives the same bytes
}

ALONE = (
    "<style>svg{color:#1d1d1f;--blue:#1f5fa8;font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#f1efea;--blue:#6aa9ea}}</style>"
)
"""What an SVG takes from its page, for one without a page."""


def svg(draw: Callable[[], Figure], title: str) -> str:
    """Draw a figure and return it as an SVG element.

    Args:
        draw: Makes the figure; called with the page's style in force.
        title: What it shows, for those who cannot see it.
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
    """A figure as an SVG file, which takes the reader's light or dark without a page around it."""
    text = svg(draw, title)
    place = text.index(">") + 1
    return f"{text[:place]}{ALONE}{text[place:]}".encode()


def picture(figure: Figure) -> str:
    """A figure of images as a PNG data address: pixels are no business of a page's colors."""
    return "data:image/png;base64," + base64.b64encode(picture_bytes(figure)).decode()


def picture_bytes(figure: Figure) -> bytes:
    """A figure of images as PNG."""
    content = io.BytesIO()
    with without_glyph_warnings():
        figure.savefig(content, format="png", dpi=80)
    return content.getvalue()
