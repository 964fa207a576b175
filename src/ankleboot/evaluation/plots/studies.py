"""Figures of the studies: strip plots, curves with ranges, costs and benefits, rows of images."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ankleboot.evaluation.plots.style import BEST_COLOR, PALETTE, TRAIN_COLOR
from ankleboot.evaluation.statistics import mean_interval

MAX_COLUMNS = 16  # of images
MIN_LABEL_GAP = 0.065  # between centers of labels, as a fraction of the figure's height


def strip_plot(values: Mapping[str, Sequence[float | int]], label: str) -> Figure:
    """Draw a dot for each run, and the mean with its interval, by name."""
    figure = Figure(figsize=(7.4, 0.42 * len(values) + 1.0), layout="constrained")
    axes = figure.subplots()
    for row, runs in enumerate(values.values()):
        axes.plot(runs, [row] * len(runs), "o", color=BEST_COLOR, markersize=4, alpha=0.8)
        mean = float(np.mean(runs))
        if (bounds := mean_interval([float(run) for run in runs])) is not None:
            axes.plot(bounds, [row, row], color=TRAIN_COLOR, linewidth=2.5, alpha=0.8)
        axes.plot([mean], [row], "D", color=TRAIN_COLOR, markersize=6)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlabel(f"{label} (dots: runs; bar: 95 % interval of the mean)")
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
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

    Args:
        positions: Positions on the x-axis, by name.
        values: Values of shape (runs, positions), by name.
        x_label: Label of the x-axis.
        y_label: Label of the y-axis.
        names: Tick labels of the positions 0, 1, 2 and so on.
        log_x: Whether the x-axis is logarithmic.
    """
    figure = Figure(figsize=(7.4, 4.4), layout="constrained")
    axes = figure.subplots()
    for number, (name, runs) in enumerate(values.items()):
        color = PALETTE[number % len(PALETTE)]
        style = ("-", "--", ":")[number // len(PALETTE) % 3]
        x = positions[name]
        low, mean, high = runs.min(axis=0), runs.mean(axis=0), runs.max(axis=0)
        axes.plot(x, mean, style, marker="o", markersize=3.5, color=color, label=name)
        if len(runs) > 1:
            axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
    if all(float(position).is_integer() for x in positions.values() for position in x):
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    if log_x:
        axes.set_xscale("log")
        ticks = sorted({position for x in positions.values() for position in x})
        if len(ticks) < 10:
            axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
            axes.minorticks_off()
    if names:
        axes.set_xticks(range(len(names)), list(names))
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if len(values) > 1:
        axes.legend(frameon=False)
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
    figure = Figure(figsize=(8.2, 4.6), layout="constrained")
    axes = figure.subplots()
    for number, name in enumerate(costs):
        color = PALETTE[number % len(PALETTE)]
        x, y = float(np.mean(costs[name])), float(np.mean(gains[name]))
        axes.plot([x, x], [min(gains[name]), max(gains[name])], color=color, alpha=0.6)
        axes.plot([x], [y], "o", color=color, markersize=7)
    if log_x:
        axes.set_xscale("log")
        means = [float(np.mean(runs)) for runs in costs.values()]
        ticks = [n * 10.0**power for power in range(-3, 7) for n in (1, 2, 5)]
        ticks = [tick for tick in ticks if min(means) / 2 < tick < 2 * max(means)]
        axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
        axes.minorticks_off()
    axes.margins(x=0.08)
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    low, high = axes.get_ylim()
    heights = [(float(np.mean(gains[name])) - low) / (high - low) for name in costs]
    for number, (name, height) in enumerate(
        zip(costs, spread(heights, MIN_LABEL_GAP), strict=True)
    ):
        color = PALETTE[number % len(PALETTE)]
        axes.annotate(
            name,
            (float(np.mean(costs[name])), float(np.mean(gains[name]))),
            xytext=(1.02, height),
            textcoords="axes fraction",
            va="center",
            color=color,
            fontsize=9,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.6, "alpha": 0.6},
        )
    return figure


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


def image_rows(
    rows: Mapping[str, Sequence[np.ndarray]],
    captions: Mapping[str, Sequence[str]],
    *,
    signed: bool = False,
    inches: float = 1.05,
) -> Figure:
    """Draw rows of small images, with a name for each row and a caption for each image.

    Args:
        rows: Images of each row, by name.
        captions: Captions of the images, by the row's name.
        signed: Draw positive values red and negative ones blue, in place of gray from 0 to 255.
        inches: Width of an image.
    """
    columns = min(MAX_COLUMNS, max(map(len, rows.values())))
    has_captions = any(captions.get(name) for name in rows)
    scale = min(inches / 1.05, 1.5)  # of the font
    height = inches - 0.1 + (0.42 * scale if has_captions else 0.0)
    margin = 1.8 if any(rows) else 0.05  # for the names of the rows
    figure = Figure(figsize=(inches * columns + margin, height * len(rows)), layout="constrained")
    grid = figure.subplots(
        len(rows), columns + 1, squeeze=False, width_ratios=[margin] + [inches] * columns
    )
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for axes in line:
            axes.axis("off")
        style = {"transform": line[0].transAxes, "ha": "right", "va": "center"}
        line[0].text(1, 0.5, name, fontsize=8 * scale, **style)
        texts = captions.get(name) or [""] * len(images)
        for axes, image, text in zip(line[1:], images, texts, strict=False):
            if signed:
                limit = float(np.abs(image).max()) or 1.0
                axes.imshow(image, cmap="coolwarm", vmin=-limit, vmax=limit)
            else:
                axes.imshow(image, cmap="gray", vmin=0, vmax=255)
            axes.set_title(text, fontsize=6.5 * scale, y=-0.06, va="top", pad=0)
    return figure


def bars(names: Sequence[str], values: Sequence[float | int], label: str) -> Figure:
    """Draw a bar with its value by name."""
    figure = Figure(figsize=(7.4, 0.3 * len(names) + 0.9), layout="constrained")
    axes = figure.subplots()
    drawn = axes.barh(range(len(names)), values, color=TRAIN_COLOR, alpha=0.75)
    axes.bar_label(drawn, [f"{value:.3g}" for value in values], padding=4, fontsize=8)
    axes.set_yticks(range(len(names)), list(names))
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.set_xlabel(label)
    axes.axvline(0, color=BEST_COLOR, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
