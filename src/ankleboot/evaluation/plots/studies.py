"""Figures of the studies: runs as dots, curves with bands, prices, tiles."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ankleboot.evaluation.plots.style import BEST_COLOR, PALETTE, TRAIN_COLOR
from ankleboot.evaluation.statistics import mean_interval

MOST_TILES = 16  # in a row
LABEL_GAP = 0.065  # between the middles of labels, in heights of a figure


def strip_plot(values: Mapping[str, Sequence[float | int]], label: str) -> Figure:
    """A line per name, a dot per run, the mean with its interval."""
    figure = Figure(figsize=(7.4, 0.42 * len(values) + 1.0), layout="constrained")
    axes = figure.subplots()
    for place, runs in enumerate(values.values()):
        axes.plot(runs, [place] * len(runs), "o", color=BEST_COLOR, markersize=4, alpha=0.8)
        middle = float(np.mean(runs))
        if (bounds := mean_interval([float(run) for run in runs])) is not None:
            axes.plot(bounds, [place, place], color=TRAIN_COLOR, linewidth=2.5, alpha=0.8)
        axes.plot([middle], [place], "D", color=TRAIN_COLOR, markersize=6)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlabel(f"{label} (dots: runs; bar: 95 % interval of the mean)")
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def curves_with_range(
    places: Mapping[str, Sequence[float | int]],
    values: Mapping[str, np.ndarray],
    x_label: str,
    y_label: str,
    *,
    names: Sequence[str] = (),
    log_x: bool = False,
) -> Figure:
    """A curve per name: the mean over the runs, in a band from the least to the most.

    Names are those of the places 0, 1, 2 and so on.
    """
    figure = Figure(figsize=(7.4, 4.4), layout="constrained")
    axes = figure.subplots()
    for number, (name, runs) in enumerate(values.items()):
        color = PALETTE[number % len(PALETTE)]
        style = ("-", "--", ":")[number // len(PALETTE) % 3]
        x = places[name]
        low, middle, high = runs.min(axis=0), runs.mean(axis=0), runs.max(axis=0)
        axes.plot(x, middle, style, marker="o", markersize=3.5, color=color, label=name)
        if len(runs) > 1:
            axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
    if all(float(one).is_integer() for x in places.values() for one in x):
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    if log_x:
        axes.set_xscale("log")
        ticks = sorted({one for x in places.values() for one in x})
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
    """What each costs (across) and brings (up): the means, with the range of the runs."""
    figure = Figure(figsize=(8.2, 4.6), layout="constrained")
    axes = figure.subplots()
    for number, name in enumerate(costs):
        color = PALETTE[number % len(PALETTE)]
        x, y = float(np.mean(costs[name])), float(np.mean(gains[name]))
        axes.plot([x, x], [min(gains[name]), max(gains[name])], color=color, alpha=0.6)
        axes.plot([x], [y], "o", color=color, markersize=7)
    if log_x:
        axes.set_xscale("log")
        middles = [float(np.mean(one)) for one in costs.values()]
        ticks = [n * 10.0**power for power in range(-3, 7) for n in (1, 2, 5)]
        ticks = [tick for tick in ticks if min(middles) / 2 < tick < 2 * max(middles)]
        axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
        axes.minorticks_off()
    axes.margins(x=0.08)
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    low, high = axes.get_ylim()
    heights = [(float(np.mean(gains[name])) - low) / (high - low) for name in costs]
    for number, (name, place) in enumerate(zip(costs, spread(heights, LABEL_GAP), strict=True)):
        color = PALETTE[number % len(PALETTE)]
        axes.annotate(
            name,
            (float(np.mean(costs[name])), float(np.mean(gains[name]))),
            xytext=(1.02, place),
            textcoords="axes fraction",
            va="center",
            color=color,
            fontsize=9,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.6, "alpha": 0.6},
        )
    return figure


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """The heights, moved up (at the top: down) until they are a gap apart, in the same order.

    All are from 0 to 1; too many for the gap stand closer.
    """
    gap = min(gap, 1 / max(len(heights) - 1, 1))
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    lowest = np.maximum.accumulate(np.asarray(heights)[order] - steps)
    placed = np.empty(len(heights))
    placed[order] = np.clip(lowest, 0, 1 - steps[-1]) + steps
    return [float(one) for one in placed]


def image_rows(
    rows: Mapping[str, Sequence[np.ndarray]],
    captions: Mapping[str, Sequence[str]],
    *,
    signed: bool = False,
    inches: float = 1.05,
) -> Figure:
    """Rows of small images with a name before each row and words below each image.

    Signed ones are red for positive and blue for negative values, others grey from 0 to 255. Each
    is so many inches wide.
    """
    columns = min(MOST_TILES, max(map(len, rows.values())))
    has_words = any(captions.get(name) for name in rows)
    scale = min(inches / 1.05, 1.5)  # of the letters
    height = inches - 0.1 + (0.42 * scale if has_words else 0.0)
    margin = 1.8 if any(rows) else 0.05  # for the rows' names
    figure = Figure(figsize=(inches * columns + margin, height * len(rows)), layout="constrained")
    grid = figure.subplots(
        len(rows), columns + 1, squeeze=False, width_ratios=[margin] + [inches] * columns
    )
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for axes in line:
            axes.axis("off")
        place = {"transform": line[0].transAxes, "ha": "right", "va": "center"}
        line[0].text(1, 0.5, name, fontsize=8 * scale, **place)
        words = captions.get(name) or [""] * len(images)
        for axes, image, word in zip(line[1:], images, words, strict=False):
            if signed:
                limit = float(np.abs(image).max()) or 1.0
                axes.imshow(image, cmap="coolwarm", vmin=-limit, vmax=limit)
            else:
                axes.imshow(image, cmap="gray", vmin=0, vmax=255)
            axes.set_title(word, fontsize=6.5 * scale, y=-0.06, va="top", pad=0)
    return figure


def bars(names: Sequence[str], values: Sequence[float | int], label: str) -> Figure:
    """A bar per name, its value beside it."""
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


def confusion_heatmap(counts: np.ndarray, names: Sequence[str]) -> Figure:
    """A confusion matrix in per cent of the true class."""
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(7.2, 6.2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(np.sqrt(percent), cmap="Blues", vmin=0, vmax=10)  # the root lifts the few per cent
    for row, column in np.ndindex(*percent.shape):
        if counts[row, column]:
            color = "white" if percent[row, column] > 40 else "#222222"
            text = f"{percent[row, column]:.1f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(names)), list(names), rotation=40, ha="right")
    axes.set_yticks(range(len(names)), list(names))
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    return figure
