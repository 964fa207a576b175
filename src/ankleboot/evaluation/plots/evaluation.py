"""Figures of an evaluation or comparison: confusions, calibration, disagreements."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ankleboot.core.types import Images
from ankleboot.evaluation.calibration import ReliabilityDiagram, RiskCoverage
from ankleboot.evaluation.comparison import PairwiseComparison
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.metrics import PrecisionRecall
from ankleboot.evaluation.plots.image_grids import MAX_CLASSES, escape_label, show_image
from ankleboot.evaluation.plots.style import BEST_COLOR, TRAIN_COLOR, VALIDATION_COLOR, WORST_COLORS

MAX_SIDE_INCHES = 20
MIN_BIN_COUNT = 20  # below it the accuracy of a bin is mostly chance
MAX_DISAGREEMENTS = 24  # images in a figure


def confusion(evaluation: Evaluation) -> Figure:
    """Draw the counts and the row percentages of a confusion matrix side by side."""
    matrix = np.array(evaluation.confusion_matrix)
    percent = _row_percentages(matrix)
    names = [escape_label(scores.label) for scores in evaluation.per_class]
    side = min(max(7.2, 0.36 * len(names)), MAX_SIDE_INCHES)
    figure = Figure(
        figsize=(side + 7.8 if len(names) <= 10 else 2 * side, side), layout="constrained"
    )
    low, high = evaluation.accuracy_ci95
    figure.suptitle(
        f"{100 * evaluation.accuracy:.2f} % of {evaluation.num_examples:,} {evaluation.split} "
        f"images correct (95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )
    left, right = figure.subplots(1, 2)
    _draw_matrix(left, matrix, percent, "{:.0f}", names)
    left.set_title("images")
    _draw_matrix(right, percent, percent, "{:.1f}" if len(names) <= 10 else "{:.0f}", names)
    right.set_title("% of the true class")
    return figure


def confusion_heatmap(counts: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw the row percentages of a confusion matrix."""
    figure = Figure(figsize=(7.2, 6.2), layout="constrained")
    percent = _row_percentages(counts)
    _draw_matrix(figure.subplots(), percent, percent, "{:.1f}", names)
    return figure


def _row_percentages(matrix: np.ndarray) -> np.ndarray:
    percent: np.ndarray = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    return percent


def _draw_matrix(
    axes: Any, values: np.ndarray, percent: np.ndarray, form: str, names: Sequence[str]
) -> None:
    # the square root makes the few percent of errors off the diagonal visible
    axes.imshow(np.sqrt(percent), cmap="Blues", vmin=0, vmax=10)
    size = 9 if len(names) <= 10 else 6
    for row, column in np.ndindex(*values.shape):
        if values[row, column] > 0 and len(names) <= MAX_CLASSES:
            color = "white" if percent[row, column] > 40 else "#222222"
            text = form.format(values[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
    font = {} if len(names) <= MAX_CLASSES else {"fontsize": 6}
    angle = 40 if len(names) <= 10 else 90
    axes.set_xticks(range(len(names)), names, ha="right", rotation_mode="anchor", **font)
    for label in axes.get_xticklabels():
        label.set(rotation=angle, va="top" if angle < 90 else "center")
    axes.set_yticks(range(len(names)), names, **font)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)


def reliability(diagram: ReliabilityDiagram) -> Figure:
    """Draw accuracy by confidence; a calibrated model is on the diagonal."""
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle="--", color=BEST_COLOR, linewidth=1)
    width = 1 / len(diagram.counts)
    centers = [(index + 0.5) * width for index in range(len(diagram.counts))]
    filled = [index for index, count in enumerate(diagram.counts) if count]
    for few, alpha in ((False, 0.75), (True, 0.2)):
        shown = [i for i in filled if (diagram.counts[i] < MIN_BIN_COUNT) == few]
        axes.bar(
            [centers[i] for i in shown],
            [diagram.accuracies[i] for i in shown],
            width=0.92 * width,
            color=TRAIN_COLOR,
            alpha=alpha,
            label=f"fewer than {MIN_BIN_COUNT} images" if few else "accuracy",
        )
    axes.plot(
        [diagram.confidences[i] for i in filled],
        [diagram.accuracies[i] for i in filled],
        marker="o",
        color=VALIDATION_COLOR,
        linestyle="none",
        label="bin mean",
    )
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    return figure


def risk_coverage(curve: RiskCoverage, threshold: float) -> Figure:
    """Draw the error rate by coverage, and mark the abstention threshold."""
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([100 * c for c in curve.coverages], [100 * r for r in curve.risks], color=TRAIN_COLOR)
    below = (index for index, t in enumerate(curve.thresholds) if t < threshold)
    at = next(below, len(curve.risks)) - 1
    if at >= 0:
        axes.plot(100 * curve.coverages[at], 100 * curve.risks[at], "o", color=VALIDATION_COLOR)
        axes.annotate(
            f"threshold {threshold:.2f}",
            (100 * curve.coverages[at], 100 * curve.risks[at]),
            xytext=(-8, 8),
            textcoords="offset points",
            ha="right",
        )
    axes.set(xlabel="coverage in %", ylabel="error rate in %", xlim=(0, 102), ylim=(0, None))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def risks(curves: Mapping[str, Sequence[tuple[float, float, float]]]) -> Figure:
    """Draw the error rate by coverage for several models.

    Args:
        curves: Threshold, coverage and error rate of each point, by model.
    """
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        _, coverages, wrong = np.array(points).T
        axes.plot(100 * coverages, 100 * wrong, label=name)
    axes.set(xlabel="coverage in %", ylabel="error rate in %", xlim=(0, 102))
    axes.set_ylim(0, None)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def precision_recall(curves: tuple[PrecisionRecall, ...]) -> Figure:
    """Draw precision by recall of every class, the worst classes in color."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    worst = sorted(curves, key=lambda curve: curve.average_precision)[: len(WORST_COLORS)]
    for curve in sorted(curves, key=lambda curve: -curve.average_precision):
        rank = worst.index(curve) if curve in worst else None
        axes.plot(
            [100 * r for r in curve.recalls],
            [100 * p for p in curve.precisions],
            color=BEST_COLOR if rank is None else WORST_COLORS[rank],
            alpha=0.5 if rank is None else 1.0,
            label=None
            if rank is None
            else f"{escape_label(curve.label)} (AP {curve.average_precision:.3f})",
        )
    lowest = 40 if worst and worst[0].average_precision > 0.7 else 0
    axes.set(xlabel="recall in %", ylabel="precision in %", xlim=(0, 101), ylim=(lowest, 101))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    return figure


def disagreements(pair: PairwiseComparison, images: Images) -> Figure:
    """Draw the images with different predictions, the most confident ones first."""
    shown = pair.disagreements[:MAX_DISAGREEMENTS]
    figure = Figure(figsize=(12, 1.95 * -(-len(shown) // 6) + 0.6), layout="constrained")
    figure.suptitle(f"A: {pair.first}   B: {pair.second}")
    axes_grid = figure.subplots(-(-len(shown) // 6), 6, squeeze=False)
    for axes in axes_grid.ravel():
        axes.axis("off")
    for axes, shown_image in zip(axes_grid.ravel(), shown, strict=False):
        title = f"{shown_image.label}\nA {shown_image.first}, B {shown_image.second}"
        show_image(axes, images[shown_image.index], escape_label(title, 80))
    return figure
