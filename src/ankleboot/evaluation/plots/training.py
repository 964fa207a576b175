"""Figures of training: curves by epoch and by data size."""

from typing import Any

from matplotlib.figure import Figure

from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.plots.style import (
    BEST_COLOR,
    TRAIN_COLOR,
    VALIDATION_COLOR,
    diagram,
    label_ends,
    tidy,
)
from ankleboot.models.history import History

METRICS = {"accuracy": "accuracy in %", "loss": "loss (cross-entropy)"}
_COLORS = {"training": TRAIN_COLOR, "validation": VALIDATION_COLOR}


def learning_curves(history: History, best_epoch: int, title: str) -> Figure:
    """Draw accuracy and loss of training and validation by epoch, and mark the best epoch."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(title)
    for axes, metric in zip(figure.subplots(1, 2), METRICS, strict=True):
        _draw_curves(axes, history, best_epoch, metric)
    return figure


def learning_curve(history: History, best_epoch: int, metric: str) -> Figure:
    """Draw the accuracy or the loss of training and validation by epoch."""
    figure, axes = diagram(4.6, 3.2)
    _draw_curves(axes, history, best_epoch, metric)
    return figure


def _draw_curves(axes: Any, history: History, best_epoch: int, metric: str) -> None:
    tidy(axes)
    scale = 100 if metric == "accuracy" else 1
    epochs, ends = [record.epoch for record in history], {}
    for name, split in (("training", "train"), ("validation", "validation")):
        values = [scale * getattr(record, f"{split}_{metric}") for record in history]
        axes.plot(epochs, values, "o-", markersize=3, color=_COLORS[name])
        ends[name] = (epochs[-1], values[-1], _COLORS[name])
    axes.axvline(best_epoch, color=BEST_COLOR, linestyle=":", linewidth=1)
    note = {"xytext": (3, -3), "textcoords": "offset points", "va": "top", "fontsize": 9}
    side = "right" if best_epoch > (epochs[0] + epochs[-1]) / 2 else "left"
    if side == "right":
        note["xytext"] = (-3, -3)
    place = {"xycoords": axes.get_xaxis_transform(), "color": BEST_COLOR, "ha": side}
    top = 0.08 if metric == "accuracy" else 1.0  # away from the curves
    axes.annotate(f"best epoch: {best_epoch}", (best_epoch, top), **place, **note)
    axes.set(xlabel="epoch", ylabel=METRICS[metric])
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(epochs) == 1:
        axes.set_xlim(0, 2)
    label_ends(axes, ends)


def size_curve(points: tuple[SizePoint, ...]) -> Figure:
    """Draw accuracy by the number of training images (logarithmic)."""
    figure, axes = diagram(4.6, 3.2)
    sizes, ends = [point.num_train for point in points], {}
    for name, split in (("training", "train"), ("validation", "validation")):
        values = [100 * getattr(point, f"{split}_accuracy") for point in points]
        axes.plot(sizes, values, "o-", color=_COLORS[name])
        ends[name] = (sizes[-1], values[-1], _COLORS[name])
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="training images", ylabel="accuracy in %")
    label_ends(axes, ends)
    return figure
