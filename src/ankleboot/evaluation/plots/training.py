"""Figures of training: curves by epoch and by data size."""

from matplotlib.figure import Figure

from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.plots.style import BEST_COLOR, TRAIN_COLOR, VALIDATION_COLOR, diagram
from ankleboot.models.history import History

_COLORS = {"train": TRAIN_COLOR, "validation": VALIDATION_COLOR}


def learning_curves(history: History, best_epoch: int, title: str) -> Figure:
    """Draw accuracy and loss of training and validation by epoch, and mark the best epoch."""
    labels = {"train": "training", "validation": "validation (at the end of the epoch)"}
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(title)
    epochs = [record.epoch for record in history]
    for axes, metric in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        scale = 100 if metric == "accuracy" else 1
        for split, color in _COLORS.items():
            values = [scale * getattr(record, f"{split}_{metric}") for record in history]
            axes.plot(epochs, values, "o-", markersize=3.5, color=color, label=labels[split])
        dashed = {"color": BEST_COLOR, "linestyle": "--", "linewidth": 1}
        axes.axvline(best_epoch, label=f"best epoch ({best_epoch})", **dashed)
        axes.set(xlabel="epoch", ylabel="accuracy in %" if scale == 100 else "loss (cross-entropy)")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if len(epochs) == 1:
            axes.set_xlim(0, 2)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure


def size_curve(points: tuple[SizePoint, ...]) -> Figure:
    """Draw accuracy by the number of training images (logarithmic)."""
    figure, axes = diagram(6.4, 4.0)
    sizes = [point.num_train for point in points]
    for split, label in (("train", "training"), ("validation", "validation")):
        values = [100 * getattr(point, f"{split}_accuracy") for point in points]
        axes.plot(sizes, values, "o-", color=_COLORS[split], label=label)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="training images", ylabel="accuracy in %")
    axes.legend(frameon=False)
    return figure
