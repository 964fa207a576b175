"""Numbers in, matplotlib figures out; nothing here computes a result or writes a file."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ankleboot.arrays import Images, Labels
from ankleboot.data import CLASS_NAMES
from ankleboot.evaluation import Evaluation
from ankleboot.runs import History

TRAIN_COLOUR, VALIDATION_COLOUR, BEST_COLOUR = "#1f5fa8", "#d9622b", "#777777"


def learning_curves(history: History, best_epoch: int, title: str) -> Figure:
    """Accuracy and loss of training and validation by epoch, the best epoch marked."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(title)
    epochs = [record.epoch for record in history]
    for axes, measure in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        scale = 100 if measure == "accuracy" else 1
        for part, colour in (("train", TRAIN_COLOUR), ("validation", VALIDATION_COLOUR)):
            values = [scale * getattr(record, f"{part}_{measure}") for record in history]
            axes.plot(epochs, values, marker="o", markersize=3.5, color=colour, label=_WORDS[part])
        axes.axvline(
            best_epoch,
            color=BEST_COLOUR,
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


_WORDS = {"train": "training", "validation": "validation (at the end of the epoch)"}


def confusion(evaluation: Evaluation) -> Figure:
    """Counts and row percentages side by side; the diagonal is muted so that errors stand out."""
    matrix = np.array(evaluation.confusion_matrix)
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(15, 7.2), layout="constrained")
    low, high = evaluation.accuracy_ci95
    figure.suptitle(
        f"{100 * evaluation.accuracy:.2f} % of {evaluation.num_examples:,} {evaluation.split} "
        f"images right (95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )
    left, right = figure.subplots(1, 2)
    _matrix(left, matrix, percent, "{:.0f}", "images")
    _matrix(right, percent, percent, "{:.1f}", "% of the true class")
    return figure


def _matrix(axes: Any, values: np.ndarray, shade: np.ndarray, form: str, title: str) -> None:
    # The square root lifts the off-diagonal cells, where the few per cent of errors are.
    axes.imshow(np.sqrt(shade), cmap="Blues", vmin=0, vmax=10)
    for row, column in np.ndindex(*values.shape):
        if values[row, column] > 0:
            colour = "white" if shade[row, column] > 40 else "#222222"
            text = form.format(values[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    places = range(len(CLASS_NAMES))
    axes.set_xticks(places, CLASS_NAMES, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, CLASS_NAMES)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    axes.tick_params(length=0)


def samples(images: Images, labels: Labels, *, per_class: int = 8) -> Figure:
    """The first images of every class, a row per class, with the class names."""
    figure = Figure(figsize=(0.95 * per_class + 1.6, 10), layout="constrained")
    grid = figure.subplots(len(CLASS_NAMES), per_class, squeeze=False)
    for label, (name, row) in enumerate(zip(CLASS_NAMES, grid, strict=True)):
        chosen = images[labels == label][:per_class]
        for column, axes in enumerate(row):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if column < len(chosen):
                axes.imshow(chosen[column], cmap="gray_r", vmin=0, vmax=255)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11)
    return figure


PALETTE = ("#777777", "#1f5fa8", "#5aa0d8", "#d9622b", "#3f8f4f", "#8a5fb0", "#b08a2f")


def time_to_accuracy(runs: list[dict[str, Any]], target: float) -> Figure:
    """Validation accuracy over training seconds (logarithmic), a line per run of `bench train`."""
    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(run["name"] for run in runs))
    for run in runs:
        seconds, accuracies = zip(*run["curve"], strict=True)
        colour = PALETTE[names.index(run["name"]) % len(PALETTE)]
        percent = [100 * accuracy for accuracy in accuracies]
        first = next(other for other in runs if other["name"] == run["name"])
        alpha = 0.9 if run is first else 0.25
        axes.plot(seconds, percent, "o-", color=colour, markersize=3.5, alpha=alpha)
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
    axes.axhline(100 * target, color=BEST_COLOUR, linestyle="--", linewidth=1)
    axes.annotate(
        f"{100 * target:.2f} %: published by the ancestor",
        (0.16, 100 * target),
        xycoords=("axes fraction", "data"),
        xytext=(0, -11),
        textcoords="offset points",
        color=BEST_COLOUR,
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
