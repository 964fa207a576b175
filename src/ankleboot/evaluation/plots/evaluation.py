"""Figures of an evaluation: confusions, calibration, disagreements."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ankleboot.core.types import Images
from ankleboot.evaluation.calibration import ReliabilityDiagram, RiskCoverage
from ankleboot.evaluation.compare import PairwiseComparison
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.metrics import PrecisionRecall
from ankleboot.evaluation.plots.image_grids import MOST_CLASSES, escape_label, show_image
from ankleboot.evaluation.plots.style import BEST_COLOR, TRAIN_COLOR, VALIDATION_COLOR, WORST

LARGEST_SIDE = 20  # of a figure, in inches
FEW_ANSWERS = 20  # in a bin: its share of right ones is mostly chance


def confusion(evaluation: Evaluation) -> Figure:
    """Counts and row percentages side by side; the diagonal is muted so that errors stand out."""
    matrix = np.array(evaluation.confusion_matrix)
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    names = [escape_label(scores.label) for scores in evaluation.per_class]
    side = min(max(7.2, 0.36 * len(names)), LARGEST_SIDE)
    figure = Figure(
        figsize=(side + 7.8 if len(names) <= 10 else 2 * side, side), layout="constrained"
    )
    low, high = evaluation.accuracy_ci95
    figure.suptitle(
        f"{100 * evaluation.accuracy:.2f} % of {evaluation.num_examples:,} {evaluation.split} "
        f"images right (95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )
    left, right = figure.subplots(1, 2)
    _matrix(left, matrix, percent, "{:.0f}", names)
    left.set_title("images")
    _matrix(right, percent, percent, "{:.1f}" if len(names) <= 10 else "{:.0f}", names)
    right.set_title("% of the true class")
    return figure


def _matrix(axes: Any, values: np.ndarray, shade: np.ndarray, form: str, names: list[str]) -> None:
    # The square root lifts the off-diagonal cells, where the few per cent of errors are.
    axes.imshow(np.sqrt(shade), cmap="Blues", vmin=0, vmax=10)
    size = 9 if len(names) <= 10 else 6
    for row, column in np.ndindex(*values.shape):
        if values[row, column] > 0 and len(names) <= MOST_CLASSES:
            color = "white" if shade[row, column] > 40 else "#222222"
            text = form.format(values[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
    font = {} if len(names) <= MOST_CLASSES else {"fontsize": 6}
    angle = 40 if len(names) <= 10 else 90
    axes.set_xticks(range(len(names)), names, ha="right", rotation_mode="anchor", **font)
    for label in axes.get_xticklabels():
        label.set(rotation=angle, va="top" if angle < 90 else "center")
    axes.set_yticks(range(len(names)), names, **font)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)


def reliability(diagram: ReliabilityDiagram) -> Figure:
    """Accuracy by confidence; on the diagonal a model is as often right as it says."""
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle="--", color=BEST_COLOR, linewidth=1)
    width = 1 / len(diagram.counts)
    places = [(place + 0.5) * width for place in range(len(diagram.counts))]
    filled = [place for place, count in enumerate(diagram.counts) if count]
    for few, alpha in ((False, 0.75), (True, 0.2)):
        shown = [i for i in filled if (diagram.counts[i] < FEW_ANSWERS) == few]
        axes.bar(
            [places[i] for i in shown],
            [diagram.accuracies[i] for i in shown],
            width=0.92 * width,
            color=TRAIN_COLOR,
            alpha=alpha,
            label=f"fewer than {FEW_ANSWERS} answers" if few else "right",
        )
    axes.plot(
        [diagram.confidences[i] for i in filled],
        [diagram.accuracies[i] for i in filled],
        marker="o",
        color=VALIDATION_COLOR,
        linestyle="none",
        label="bin mean",
    )
    axes.set(xlabel="confidence", ylabel="share of right answers", xlim=(0, 1), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    return figure


def risk_coverage(curve: RiskCoverage, threshold: float) -> Figure:
    """Errors among the answers given, by how many are given; the threshold is marked."""
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([100 * c for c in curve.coverages], [100 * r for r in curve.risks], color=TRAIN_COLOR)
    at = next((i for i, t in enumerate(curve.thresholds) if t < threshold), len(curve.risks)) - 1
    if at >= 0:
        axes.plot(100 * curve.coverages[at], 100 * curve.risks[at], "o", color=VALIDATION_COLOR)
        axes.annotate(
            f"from {threshold:.2f} on",
            (100 * curve.coverages[at], 100 * curve.risks[at]),
            xytext=(-8, 8),
            textcoords="offset points",
            ha="right",
        )
    axes.set(
        xlabel="answered, %", ylabel="wrong among the answered, %", xlim=(0, 102), ylim=(0, None)
    )
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def risks(curves: Mapping[str, Sequence[tuple[float, float, float]]]) -> Figure:
    """Errors among the answers given, by how many are given, for several models.

    Args:
        curves: By model: threshold, share answered, share of those wrong.
    """
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        _, coverages, wrong = np.array(points).T
        axes.plot(100 * coverages, 100 * wrong, label=name)
    axes.set(xlabel="answered, %", ylabel="wrong among the answered, %", xlim=(0, 102))
    axes.set_ylim(0, None)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def precision_recall(curves: tuple[PrecisionRecall, ...]) -> Figure:
    """Precision over recall of every class; the worst classes stand out in color."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    worst = sorted(curves, key=lambda curve: curve.average_precision)[: len(WORST)]
    for curve in sorted(curves, key=lambda curve: -curve.average_precision):
        place = worst.index(curve) if curve in worst else None
        axes.plot(
            [100 * r for r in curve.recalls],
            [100 * p for p in curve.precisions],
            color=BEST_COLOR if place is None else WORST[place],
            alpha=0.5 if place is None else 1.0,
            label=None
            if place is None
            else f"{escape_label(curve.label)} (AP {curve.average_precision:.3f})",
        )
    lowest = 40 if worst and worst[0].average_precision > 0.7 else 0
    axes.set(xlabel="recall, %", ylabel="precision, %", xlim=(0, 101), ylim=(lowest, 101))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    return figure


def disagreements(pair: PairwiseComparison, images: Images) -> Figure:
    """The images that two models answer differently, the surest answers first."""
    shown = pair.disagreements[:24]
    figure = Figure(figsize=(12, 1.95 * -(-len(shown) // 6) + 0.6), layout="constrained")
    figure.suptitle(f"A: {pair.first}   B: {pair.second}")
    axes_grid = figure.subplots(-(-len(shown) // 6), 6, squeeze=False)
    for axes in axes_grid.ravel():
        axes.axis("off")
    for axes, one in zip(axes_grid.ravel(), shown, strict=False):
        show_image(
            axes, images[one.index], escape_label(f"{one.label}\nA {one.first}, B {one.second}", 80)
        )
    return figure
