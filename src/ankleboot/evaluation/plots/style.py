"""Parts that figures share: axes, files, colors for white, black and the color-blind."""

from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from ankleboot.core.files import atomic_write
from ankleboot.core.silence import without_glyph_warnings
from ankleboot.core.text import escape_lines

TRAIN_COLOR, VALIDATION_COLOR, BEST_COLOR = "#1f5fa8", "#d9622b", "#777777"
WORST_COLORS = ("#d9622b", "#1f5fa8", "#009e73", "#c06a9a")  # of the classes to highlight
PALETTE = ("#777777", "#1f5fa8", "#d9622b", "#009e73", "#c06a9a", "#c58a00", "#56b4e9")
"""Colors after Okabe and Ito, for all kinds of color blindness; the two blues lie far apart."""

Number = float | int

MIN_LABEL_GAP = 0.065  # between centers of labels, as a fraction of the figure's height
LABEL_FONT = 9.5


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
    tidy(axes, grid=grid)
    return figure, axes


def tidy(axes: Any, *, grid: bool = True) -> None:
    """Leave two thin lines of the frame and faint horizontal lines of the grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_linewidth(0.6)
    axes.tick_params(length=0)
    if grid:
        axes.grid(axis="y", alpha=0.15, linewidth=0.6)


def label_ends(axes: Any, ends: Mapping[str, tuple[Number, Number, str]]) -> None:
    """Write names to the right of the last points of curves: x, y and color by name."""
    low, high = axes.get_ylim()
    heights = spread([(y - low) / (high - low) for _, y, _ in ends.values()], MIN_LABEL_GAP)
    style = {"textcoords": "axes fraction", "va": "center", "fontsize": LABEL_FONT}
    for (name, (x, y, color)), height in zip(ends.items(), heights, strict=True):
        axes.annotate(name, (x, y), xytext=(1.02, height), color=color, **style)


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move heights from 0 to 1 until they are a gap apart, in the same order.

    The gap is smaller if there are too many heights for it.
    """
    gap = min(gap, 1 / max(len(heights) - 1, 1))
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    lowest = np.maximum.accumulate(np.asarray(heights)[order] - steps)
    placed = np.empty(len(heights))
    placed[order] = np.clip(lowest, 0, 1 - steps[-1]) + steps
    return [float(height) for height in placed]
