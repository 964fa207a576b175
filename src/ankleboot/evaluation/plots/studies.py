"""Figures of the studies: strip plots, curves with ranges, costs and benefits, rows of images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ankleboot.evaluation.plots.image_grids import GAP, GRAY, ImageGrid
from ankleboot.evaluation.plots.style import (
    BEST_COLOR,
    MIN_LABEL_GAP,
    PALETTE,
    TRAIN_COLOR,
    diagram,
    label_ends,
    spread,
)
from ankleboot.evaluation.statistics import mean_interval

MAX_COLUMNS = 16  # of images
WIDTH = 5.6  # inches; texts stay readable on the screen of a phone
IMAGE_INCHES = 1.05
MIN_LABELS = 2  # of an axis; one alone shows no scale
FONT_PER_INCH = 1.6  # points for each inch of a row of images, which a phone shows at 4 inches


def strip_plot(values: Mapping[str, Sequence[float | int]], label: str) -> Figure:
    """Draw a dot for each run, and the mean with its interval, by name."""
    figure, axes = diagram(WIDTH, 0.3 * len(values) + 0.9, grid=False)
    for row, runs in enumerate(values.values()):
        axes.plot(runs, [row] * len(runs), "o", color=BEST_COLOR, markersize=4, alpha=0.8)
        if (bounds := mean_interval([float(run) for run in runs])) is not None:
            axes.plot(bounds, [row, row], color=TRAIN_COLOR, linewidth=2.5, alpha=0.8)
        axes.plot([float(np.mean(runs))], [row], "D", color=TRAIN_COLOR, markersize=6)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlabel(f"{label}\n(dots: runs; bar: 95 % interval of the mean)")
    axes.grid(axis="x", alpha=0.15, linewidth=0.6)
    return figure


def curves_with_range(
    positions: Mapping[str, Sequence[float | int]],
    values: Mapping[str, np.ndarray],
    x_label: str,
    y_label: str,
    *,
    names: Sequence[str] = (),
    log_x: bool = False,
) -> Figure:
    """Draw a curve of the mean over runs, with the range of the runs, by name.

    Positions are on the x-axis, values of the shape (runs, positions) on the y-axis; `names` are
    the tick labels of the positions 0, 1, 2 and so on.
    """
    figure, axes = diagram(WIDTH, 3.4)
    ends = {}
    for number, (name, runs) in enumerate(values.items()):
        color = PALETTE[number % len(PALETTE)]
        style = ("-", "--", ":")[number // len(PALETTE) % 3]
        x, mean = positions[name], runs.mean(axis=0)
        axes.plot(x, mean, style, marker="o", markersize=3.5, color=color)
        ends[name] = (x[len(mean) - 1], mean[-1], color)
        if len(runs) > 1:
            low, high = runs.min(axis=0), runs.max(axis=0)
            axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
    ticks = sorted({position for x in positions.values() for position in x})
    if all(float(tick).is_integer() for tick in ticks):
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    if log_x:
        axes.set_xscale("log")
        if len(ticks) < 10:
            axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
            axes.minorticks_off()
    if names:
        axes.set_xticks(range(len(names)), list(names))
    axes.set(xlabel=x_label, ylabel=y_label)
    if len(values) > 1:
        label_ends(axes, ends)
    return figure


def cost_benefit(
    costs: Mapping[str, Sequence[float | int]],
    gains: Mapping[str, Sequence[float | int]],
    x_label: str,
    y_label: str,
    *,
    log_x: bool,
) -> Figure:
    """Draw mean gain by mean cost, with the range of the runs, by name."""
    figure, axes = diagram(WIDTH, 3.8)
    colors = {name: PALETTE[number % len(PALETTE)] for number, name in enumerate(costs)}
    means = {name: (float(np.mean(costs[name])), float(np.mean(gains[name]))) for name in costs}
    for name, (x, y) in means.items():
        axes.plot([x, x], [min(gains[name]), max(gains[name])], color=colors[name], alpha=0.6)
        axes.plot([x], [y], "o", color=colors[name], markersize=7)
    axes.margins(x=0.08)
    if log_x:
        _use_log_scale(axes, [x for x, _ in means.values()])
    axes.set(xlabel=x_label, ylabel=y_label)
    low, high = axes.get_ylim()
    heights = spread([(y - low) / (high - low) for _, y in means.values()], MIN_LABEL_GAP)
    place = {"textcoords": "axes fraction", "va": "center", "fontsize": 9}
    for (name, mean), height in zip(means.items(), heights, strict=True):
        color = colors[name]
        arrow = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "alpha": 0.6}
        axes.annotate(name, mean, xytext=(1.02, height), color=color, arrowprops=arrow, **place)
    return figure


def _use_log_scale(axes: Any, positions: Sequence[float]) -> None:
    """Make the x-axis logarithmic, with labels at 1, 2, 5, 10 and so on, two or more of them."""
    axes.set_xscale("log")
    ticks = [n * 10.0**power for power in range(-3, 7) for n in (1, 2, 5)]
    low, high = axes.get_xlim()
    if sum(low <= tick <= high for tick in ticks) < MIN_LABELS:
        low = max(tick for tick in ticks if tick < min(positions))
        high = min(tick for tick in ticks if tick > max(positions))
    ticks = [tick for tick in ticks if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(low, high)


def image_rows(
    rows: Mapping[str, Sequence[np.ndarray]],
    captions: Mapping[str, Sequence[str]],
    *,
    signed: bool = False,
    inches: float = IMAGE_INCHES,
) -> Figure:
    """Draw rows of small images, with a name for each row and a caption for each image.

    Pixels are gray from 0 to 255; `signed` ones are red above 0 and blue below. An image is
    `inches` wide.
    """
    columns = min(MAX_COLUMNS, max(map(len, rows.values())))
    font = max(8.0, FONT_PER_INCH * columns * inches)
    line = 1.3 * font / 72
    num_lines = max(
        (text.count("\n") + 1 for texts in captions.values() for text in texts), default=0
    )
    left = 0.6 * font / 72 * max(map(len, rows)) + 2 * GAP
    cell = inches, inches + num_lines * line
    grid = ImageGrid(len(rows), columns, cell, left=left)
    style = GRAY
    for row, (name, images) in enumerate(rows.items()):
        grid.name_row(row, name, font)
        texts = captions.get(name) or [""] * len(images)
        for column, (image, text) in enumerate(zip(images[:columns], texts, strict=False)):
            if signed:
                limit = float(np.abs(image).max()) or 1.0
                style = {"cmap": "coolwarm", "vmin": -limit, "vmax": limit}
            grid.draw(row, column, image, caption=text, fontsize=font, **style)
    return grid.figure


def bars(names: Sequence[str], values: Sequence[float | int], label: str) -> Figure:
    """Draw a bar with its value by name."""
    figure, axes = diagram(WIDTH, 0.26 * len(names) + 0.8, grid=False)
    drawn = axes.barh(range(len(names)), values, color=TRAIN_COLOR, alpha=0.75)
    axes.bar_label(drawn, [f"{value:.3g}" for value in values], padding=4, fontsize=8)
    axes.set_yticks(range(len(names)), list(names))
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.set_xlabel(label)
    axes.axvline(0, color=BEST_COLOR, linewidth=0.8)
    return figure
