"""Maps of evidence over their images: red supports a class, blue opposes it."""

import textwrap
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ankleboot.core.text import truncate_middle
from ankleboot.core.types import Images
from ankleboot.evaluation.explain.methods import TITLES, by_importance, reading_help
from ankleboot.evaluation.plots.image_grids import ImageGrid

COLORS = "RdBu_r"  # which people with each kind of color blindness tell apart
VIVID = 0.84  # of the range of colors; the ends are close to black
STRONG = 99.0  # percentile of the values that gets the full color; a few pixels hide the rest
SHARP_SIDE = 56  # pixels; single pixels of larger images are too small to be seen
SMOOTHING = 1 / 28  # standard deviation as a fraction of the side
PALEST, DARKEST = 235, 105  # gray values of white and black below the colors
LEGEND_INCHES = 2.2
CELL = (1.6, 1.85)  # inches of a small image with its title


def overlay(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Color an image, faded to gray, by the evidence of its pixels: (height, width, RGB)."""
    side = min(values.shape)
    if side > SHARP_SIDE:
        values = cv2.GaussianBlur(values, (0, 0), SMOOTHING * side)
    limit = float(np.percentile(np.abs(values), STRONG)) or float(np.abs(values).max()) or 1.0
    scaled = np.clip(values / limit, -1, 1)
    gray = image.astype(np.float32) if image.ndim == 2 else image.mean(axis=-1, dtype=np.float32)
    faded = DARKEST + (PALEST - DARKEST) * gray[..., None] / 255
    colors = 255 * mpl.colormaps[COLORS]((1 + VIVID * scaled) / 2)[..., :3]
    weight = np.sqrt(np.abs(scaled))[..., None] * 0.85  # the image stays visible
    return np.asarray(np.rint((1 - weight) * faded + weight * colors).astype(np.uint8))


def explanation(
    image: np.ndarray,
    maps: dict[str, np.ndarray],
    title: str,
    neighbors: Images,
    names: list[str],
    remark: str = "",
) -> Figure:
    """Draw an image and its maps, occlusion large, with a legend and similar training images.

    A remark on the prediction stands below, before the help for reading the maps.
    """
    first, *others = by_importance(maps)
    columns = max(4 + (len(others) + 1) // 2, len(neighbors))
    rows = 3 if len(neighbors) else 2
    sentences = filter(None, [remark, *reading_help(maps)])
    lines = [text for line in sentences for text in textwrap.wrap(line, 18 * columns)]
    foot = 0.16 * len(lines) + 0.15
    grid = ImageGrid(rows, columns, CELL, top=0.75, bottom=foot)
    width, height = grid.figure.get_size_inches()
    grid.figure.suptitle(truncate_middle(title, 20 * columns), x=0.5, y=1 - 0.1 / height, va="top")
    grid.draw(0, 0, image, "image", span=2)
    grid.draw(0, 2, overlay(image, maps[first]), TITLES.get(first, first), span=2)
    for number, name in enumerate(others):
        row, column = number % 2, 4 + number // 2
        grid.draw(row, column, overlay(image, maps[name]), TITLES.get(name, name))
    for column, (neighbor, name) in enumerate(zip(neighbors, names, strict=True)):
        before = "similar: " if column == 0 else ""
        grid.draw(2, column, neighbor, f"{before}{truncate_middle(name)}")
    _draw_legend(grid.figure, width, height)
    grid.figure.text(0.1 / width, foot / height, "\n".join(lines), va="top", fontsize=9)
    return grid.figure


def _draw_legend(figure: Figure, width: float, height: float) -> None:
    """Draw a bar of the colors with their meaning under the title."""
    length = min(LEGEND_INCHES, 0.3 * width)
    box = (0.5 - length / 2 / width, 1 - 0.58 / height, length / width, 0.1 / height)
    axes = figure.add_axes(box)
    shades = np.linspace(-VIVID, VIVID, 64)[None]
    axes.imshow(shades, cmap=COLORS, vmin=-1, vmax=1, aspect="auto")
    axes.axis("off")
    place: dict[str, Any] = {"transform": axes.transAxes, "va": "center", "fontsize": 9}
    axes.text(-0.03, 0.5, "against the class", ha="right", **place)
    axes.text(1.03, 0.5, "for it", ha="left", **place)
