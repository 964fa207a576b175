"""Figures of training: curves by epoch, by data size and by seconds."""

from typing import Any

from matplotlib.figure import Figure

from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.plots.style import BEST_COLOR, PALETTE, TRAIN_COLOR, VALIDATION_COLOR
from ankleboot.models.run import History


def learning_curves(history: History, best_epoch: int, title: str) -> Figure:
    """Draw accuracy and loss of training and validation by epoch, and mark the best epoch."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(title)
    epochs = [record.epoch for record in history]
    for axes, metric in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        scale = 100 if metric == "accuracy" else 1
        for split, color in (("train", TRAIN_COLOR), ("validation", VALIDATION_COLOR)):
            values = [scale * getattr(record, f"{split}_{metric}") for record in history]
            axes.plot(epochs, values, marker="o", markersize=3.5, color=color, label=_LABELS[split])
        axes.axvline(
            best_epoch,
            color=BEST_COLOR,
            linestyle="--",
            linewidth=1,
            label=f"best epoch ({best_epoch})",
        )
        axes.set(xlabel="epoch", ylabel="accuracy in %" if scale == 100 else "loss (cross-entropy)")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if len(epochs) == 1:
            axes.set_xlim(0, 2)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure


_LABELS = {"train": "training", "validation": "validation (at the end of the epoch)"}


def size_curve(points: tuple[SizePoint, ...]) -> Figure:
    """Draw accuracy by the number of training images (logarithmic)."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    sizes = [point.num_train for point in points]
    for split, color in (("train", TRAIN_COLOR), ("validation", VALIDATION_COLOR)):
        values = [100 * getattr(point, f"{split}_accuracy") for point in points]
        axes.plot(sizes, values, "o-", color=color, label=_LABELS[split].split(" (")[0])
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="training images", ylabel="accuracy in %")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def time_to_accuracy(runs: list[dict[str, Any]], target: float) -> Figure:
    """Draw validation accuracy by training seconds (logarithmic), a curve for each run."""
    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(run["name"] for run in runs))
    for run in runs:
        seconds, accuracies = zip(*run["curve"], strict=True)
        color = PALETTE[names.index(run["name"]) % len(PALETTE)]
        percent = [100 * accuracy for accuracy in accuracies]
        first = next(other for other in runs if other["name"] == run["name"])
        alpha = 0.9 if run is first else 0.25
        axes.plot(seconds, percent, "o-", color=color, markersize=3.5, alpha=alpha)
    for number, name in enumerate(names):
        own = (run for run in runs if run["name"] == name)
        seconds, accuracy = max(own, key=lambda run: run["seconds"])["curve"][-1]
        axes.annotate(
            name,
            (seconds, 100 * accuracy),
            xytext=(6, 4 if number % 2 else -12),
            textcoords="offset points",
            color=PALETTE[number % len(PALETTE)],
            fontweight="bold",
        )
    axes.axhline(100 * target, color=BEST_COLOR, linestyle="--", linewidth=1)
    axes.annotate(
        f"{100 * target:.2f} %: published by the ancestor",
        (0.16, 100 * target),
        xycoords=("axes fraction", "data"),
        xytext=(0, -11),
        textcoords="offset points",
        color=BEST_COLOR,
        fontsize=8,
    )
    ticks = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    longest = max(run["curve"][-1][0] for run in runs)
    axes.set_xlim(min(run["curve"][0][0] for run in runs) / 1.3, longest * 2.2)
    axes.set(xlabel="seconds of training (tracing included)", ylabel="validation accuracy in %")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
