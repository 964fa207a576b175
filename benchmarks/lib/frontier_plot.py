"""Figure of the accuracy frontier: by parameters beside published points, and by seconds."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ankleboot.core.files import atomic_write
from ankleboot.evaluation.plots.style import PALETTE, TRAIN_COLOR, VALIDATION_COLOR
from lib.label_placement import Label, place_labels

SIZE = (6.4, 9.0)  # inches: on a phone 390 pixels wide, 11 points become 9 pixels
DPI = 200  # sharp on screens with two pixels per point
TEXT, SMALL = 11, 9  # points
GRAY = "#555555"

KINDS = {
    "chosen": {"marker": "o", "edgecolor": GRAY, "linewidth": 1.6},
    "unstated": {"marker": "o", "edgecolor": "#a9a9a9", "linewidth": 1.2},
    "claim": {"marker": "D", "edgecolor": VALIDATION_COLOR, "linewidth": 1.4},
    "old": {"marker": "x", "color": "#b5b5b5", "linewidth": 1.2},
}
MEANINGS = {
    "chosen": "published: final weights, or chosen on validation",
    "unstated": "published: best on test, or not stated",
    "claim": "claim without log or code, best on test",
    "old": "old files, with test images among training",
}


def write_frontier(document: dict[str, Any], path: Path) -> None:
    """Draw the figure and write it, on white, which dark pages show as it is."""
    figure = draw_frontier(document["summary"], document["published"])
    atomic_write(path, lambda temp: figure.savefig(temp, dpi=DPI), suffix=path.suffix)


def draw_frontier(summary: Sequence[dict[str, Any]], points: Sequence[dict[str, Any]]) -> Figure:
    """Draw our recipes (filled, with standard deviations) and published points (hollow)."""
    summary = [row for row in summary if row["runs"]]
    figure = Figure(figsize=SIZE, layout="constrained", facecolor="white")
    canvas = FigureCanvasAgg(figure)
    ratios = [5, 3] if summary else [1]
    axes = list(figure.subplots(len(ratios), height_ratios=ratios, squeeze=False)[:, 0])
    labels = [draw_sizes(axes[0], summary, points)]
    if summary:
        labels.append(draw_seconds(axes[1], summary))
    for each in axes:
        each.set_facecolor("white")
        each.spines[["top", "right"]].set_visible(False)
        each.grid(alpha=0.25)
        each.tick_params(labelsize=TEXT)
        each.set_ylabel("test accuracy in %", fontsize=TEXT)
    figure.draw_without_rendering()  # places the axes, which the labels need
    for each, own in zip(axes, labels, strict=True):
        place_labels(canvas, each, own)
    return figure


def draw_sizes(
    axes: Any, summary: Sequence[dict[str, Any]], points: Sequence[dict[str, Any]]
) -> list[Label]:
    """Draw accuracy by parameters; return the labels to place."""
    ours = [(row, row["parameters"]) for row in summary]
    labels = _draw_ours(axes, ours, TRAIN_COLOR, "ours: final weights, mean and std of seeds")
    for kind, style in KINDS.items():
        own = [point for point in points if kind_of(point) == kind]
        x, y = [p["parameters"] for p in own], [100 * p["accuracy"] for p in own]
        hollow = {} if style["marker"] == "x" else {"facecolor": "white"}
        axes.scatter(x, y, s=40, label=MEANINGS[kind], zorder=3, **style, **hollow)
        color = VALIDATION_COLOR if kind == "claim" else GRAY
        texts = [p["name"] + (" (claim)" if p["claim"] else "") for p in own]
        if kind == "old":
            continue
        labels += [
            (*place, text, {"color": color, "fontsize": SMALL})
            for *place, text in zip(x, y, texts, strict=True)
        ]
    axes.set_xscale("log")
    ticks = {10**4: "10k", 10**5: "100k", 10**6: "1M", 10**7: "10M"}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xlim(min([4_500, *(x / 1.5 for x, *_ in labels)]), 80_000_000)
    lowest = min((y for _, y, *_ in labels), default=90)
    axes.set_ylim(lowest - 3.2, 97.9)  # leaves room for the legend
    axes.set_xlabel("parameters", fontsize=TEXT)
    handles, texts = axes.get_legend_handles_labels()
    axes.legend(
        [*handles[len(KINDS) :], *handles[: len(KINDS)]],  # ours first
        [*texts[len(KINDS) :], *texts[: len(KINDS)]],
        loc="lower right",
        fontsize=SMALL,
        frameon=False,
        borderpad=0,
    )
    return labels


def draw_seconds(axes: Any, summary: Sequence[dict[str, Any]]) -> list[Label]:
    """Draw accuracy by training seconds, a color for each kind of machine; return the labels."""
    machines = list(dict.fromkeys(each["machine"] for row in summary for each in row["machines"]))
    colors = (TRAIN_COLOR, VALIDATION_COLOR, *PALETTE[4:])
    labels: list[Label] = []
    for number, machine in enumerate(machines):
        own = [
            (row, each["train_seconds"])
            for row in summary
            for each in row["machines"]
            if each["machine"] == machine
        ]
        labels += _draw_ours(axes, own, colors[number % len(colors)], machine)
    axes.set_xscale("log")
    ticks = {
        **{seconds: f"{seconds} s" for seconds in (1, 3, 10)},
        **{60 * minutes: f"{minutes} min" for minutes in (1, 3, 10)},
        **{3_600 * hours: f"{hours} h" for hours in (1, 3, 10)},
    }
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.minorticks_off()
    seconds = [x for x, *_ in labels]
    axes.set_xlim(min(seconds) / 3, max(seconds) * 3)
    axes.margins(y=0.25)
    axes.set_xlabel("training time (median)", fontsize=TEXT)
    axes.legend(loc="lower right", fontsize=SMALL, frameon=False, borderpad=0)
    return labels


def _draw_ours(
    axes: Any, values: Iterable[tuple[dict[str, Any], float]], color: str, meaning: str
) -> list[Label]:
    """Draw filled marks with the standard deviations over the seeds."""
    labels: list[Label] = []
    for row, x in values:
        mean, std = row["test_accuracy"]["mean"], row["test_accuracy"]["std"]
        axes.errorbar(
            [x],
            [100 * mean],
            [100 * (std or 0)],
            fmt="o",
            color=color,
            markersize=7,
            capsize=3,
            linewidth=1.6,
            zorder=4,
            label=None if labels else meaning,
        )
        # a teacher is a long path, which the table shows
        changes = [text for text in row["overrides"] if not text.startswith("teacher=")]
        text = ", ".join([row["recipe"], *changes])
        style = {"color": color, "fontsize": TEXT, "fontweight": "bold"}
        labels.append((x, 100 * mean, text, style))
    return labels


def kind_of(point: dict[str, Any]) -> str:
    """Return the key of `KINDS` for a published point."""
    if point["data"] == "old":
        return "old"
    if point["claim"]:
        return "claim"
    return "chosen" if point["selection"] in ("final", "validation") else "unstated"
