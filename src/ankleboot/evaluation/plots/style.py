"""Parts that figures share: axes, files, colors for white, black and the color-blind."""

from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.text import Text

from ankleboot.core.files import atomic_write
from ankleboot.core.silence import without_glyph_warnings
from ankleboot.core.text import escape_lines

TRAIN_COLOR, VALIDATION_COLOR, BEST_COLOR = "#1f5fa8", "#d9622b", "#777777"
WORST_COLORS = ("#d9622b", "#1f5fa8", "#3f8f4f", "#8a5fb0")  # of the classes to highlight
PALETTE = ("#777777", "#1f5fa8", "#5aa0d8", "#d9622b", "#3f8f4f", "#8a5fb0", "#b08a2f")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically, in the format of the path's suffix."""
    atomic_write(path, lambda temp: draw_figure(figure, temp, dpi=110), suffix=path.suffix)


def draw_figure(figure: Figure, target: Path | BytesIO | StringIO, **options: Any) -> None:
    """Draw a figure into a file; a name that holds dollars is text, no formula of TeX."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
        text.set_text(escape_lines(text.get_text()))  # fonts fail at half a character
    with mpl.rc_context({"text.parse_math": False}), without_glyph_warnings():  # later texts
        figure.savefig(target, **options)


def diagram(width: float, height: float, *, grid: bool = True) -> tuple[Figure, Any]:
    """Return a figure of this size in inches, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(alpha=0.25)
    return figure, axes
