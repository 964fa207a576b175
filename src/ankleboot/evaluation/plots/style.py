"""Parts that figures share: axes, files, colors for white, black and the color-blind."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ankleboot.core.files import atomic_write
from ankleboot.core.silence import without_glyph_warnings

TRAIN_COLOR, VALIDATION_COLOR, BEST_COLOR = "#1f5fa8", "#d9622b", "#777777"
WORST_COLORS = ("#d9622b", "#1f5fa8", "#3f8f4f", "#8a5fb0")  # of the classes to highlight
PALETTE = ("#777777", "#1f5fa8", "#5aa0d8", "#d9622b", "#3f8f4f", "#8a5fb0", "#b08a2f")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically, in the format of the path's suffix."""
    with without_glyph_warnings():
        atomic_write(path, lambda temp: figure.savefig(temp, dpi=110), suffix=path.suffix)


def diagram(width: float, height: float, *, grid: bool = True) -> tuple[Figure, Any]:
    """Return a figure of this size in inches, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(alpha=0.25)
    return figure, axes
