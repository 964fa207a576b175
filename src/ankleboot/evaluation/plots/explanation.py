"""Figures of explanations, filters and feature maps."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ankleboot.core.types import Images
from ankleboot.evaluation.plots.image_grids import escape_label, show_image


def explanation(
    image: np.ndarray, maps: dict[str, np.ndarray], title: str, neighbors: Images, names: list[str]
) -> Figure:
    """Draw an image, its maps by method, and the most similar training images.

    Red pixels support the class, blue ones oppose it.
    """
    columns = max(1 + len(maps), len(neighbors))
    figure = Figure(figsize=(2 * columns, 4.9), layout="constrained")
    figure.suptitle(escape_label(title, 120))
    upper, lower = figure.subplots(2, columns)
    for axes in (*upper, *lower):
        axes.axis("off")
    show_image(upper[0], image, "image")
    for axes, (name, values) in zip(upper[1:], maps.items(), strict=False):
        show_image(axes, image, name)
        _overlay(axes, values)
    for axes, neighbor, name in zip(lower, neighbors, names, strict=False):
        show_image(axes, neighbor, escape_label(name))
    lower[0].text(0, -0.23 * len(image), "most similar training images", fontsize=9)
    return figure


def _overlay(axes: Any, values: np.ndarray) -> None:
    limit = float(np.abs(values).max()) or 1.0
    axes.imshow(values, cmap="coolwarm", vmin=-limit, vmax=limit, alpha=np.abs(values) / limit)


def filters(kernels: np.ndarray) -> Figure:
    """Draw the first convolution's kernels: positive weights red, negative ones blue."""
    columns = min(16, len(kernels))
    rows = -(-len(kernels) // columns)
    figure = Figure(figsize=(0.62 * columns, 0.62 * rows + 0.1), layout="constrained")
    limit = float(np.abs(kernels).max()) or 1.0
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, kernel in zip(grid, kernels, strict=False):
        axes.imshow(kernel, cmap="coolwarm", vmin=-limit, vmax=limit)
    return figure


def feature_maps(maps: dict[str, np.ndarray]) -> Figure:
    """Draw the first feature maps of each layer."""
    columns = 8
    figure = Figure(figsize=(1.05 * (columns + 1), 1.05 * len(maps)), layout="constrained")
    grid = figure.subplots(len(maps), columns + 1, squeeze=False)
    for row, (name, values) in zip(grid, maps.items(), strict=True):
        for axes in row:
            axes.axis("off")
        row[0].text(1, 0.5, name, ha="right", va="center", fontsize=7, transform=row[0].transAxes)
        for axes, channel in zip(row[1:], np.moveaxis(values, -1, 0), strict=False):
            axes.imshow(channel, cmap="viridis")
    return figure
