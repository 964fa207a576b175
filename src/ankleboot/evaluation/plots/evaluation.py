"""Figures of an evaluation or comparison: confusions, calibration, disagreements."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ankleboot.core.text import truncate_middle
from ankleboot.core.types import Images
from ankleboot.evaluation.calibration import ReliabilityDiagram, RiskCoverage
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.evaluation.metrics import PrecisionRecall
from ankleboot.evaluation.model_pairs import PairwiseComparison
from ankleboot.evaluation.plots.image_grids import MAX_CLASSES, draw_images
from ankleboot.evaluation.plots.style import (
    BEST_COLOR,
    LABEL_FONT,
    TRAIN_COLOR,
    VALIDATION_COLOR,
    WORST_COLORS,
    diagram,
)

WORST_LINES = ("-", "--", "-.", ":")
MAX_SIDE_INCHES = 20
MIN_BIN_COUNT = 20  # below it the accuracy of a bin is mostly chance
MAX_DISAGREEMENTS = 24  # images in a figure


def confusion(evaluation: Evaluation) -> Figure:
    """Draw the counts and the row percentages of a confusion matrix side by side."""
    matrix = np.array(evaluation.confusion_matrix)
    percent = _row_percentages(matrix)
    names = [truncate_middle(scores.label) for scores in evaluation.per_class]
    side = min(max(7.2, 0.36 * len(names)), MAX_SIDE_INCHES)
    width = side + 7.8 if len(names) <= 10 else 2 * side
    figure = Figure(figsize=(width, side), layout="constrained")
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
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    percent = _row_percentages(counts)
    _draw_matrix(figure.subplots(), percent, percent, "{:.1f}", names)
    return figure


def _row_percentages(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))


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


def reliability(bins: ReliabilityDiagram) -> Figure:
    """Draw accuracy by confidence; the bars of a calibrated model end at the dashed line."""
    figure, axes = diagram(4.5, 3.3, grid=False)
    axes.plot([0, 100], [0, 100], linestyle="--", color=BEST_COLOR, linewidth=1, zorder=3)
    place: dict[str, Any] = {"fontsize": LABEL_FONT, "color": BEST_COLOR}
    place |= {"rotation": 45, "rotation_mode": "anchor", "transform_rotates_text": True}
    axes.text(4, 7, "accuracy = confidence", **place)
    width = 100 / len(bins.counts)
    centers = (np.arange(len(bins.counts)) + 0.5) * width
    filled, few = bins.counts > 0, bins.counts < MIN_BIN_COUNT
    for shown, alpha in ((filled & ~few, 0.8), (filled & few, 0.25)):
        heights = 100 * bins.accuracies[shown]
        axes.bar(centers[shown], heights, 0.92 * width, color=TRAIN_COLOR, alpha=alpha)
    axes.set(xlabel="confidence in %", ylabel="accuracy in %", xlim=(0, 100), ylim=(0, 101))
    return figure


def risk_coverage(curve: RiskCoverage, threshold: float) -> Figure:
    """Draw the error rate by coverage, and mark the abstention threshold."""
    figure, axes = diagram(4.5, 3.3)
    axes.plot(100 * curve.coverages, 100 * curve.risks, color=TRAIN_COLOR)
    if num_given := int((curve.thresholds >= threshold).sum()):
        point = 100 * curve.coverages[num_given - 1], 100 * curve.risks[num_given - 1]
        axes.plot(*point, "o", color=VALIDATION_COLOR)
        is_left = point[0] < 50
        place: dict[str, Any] = {"xytext": (8 if is_left else -8, 8), "textcoords": "offset points"}
        place |= {"ha": "left" if is_left else "right", "fontsize": LABEL_FONT}
        axes.annotate(f"confidence {threshold:.2f}", point, color=VALIDATION_COLOR, **place)
    labels = {"xlabel": "predicted images in % (coverage)", "ylabel": "wrong ones in %"}
    axes.set(**labels, xlim=(0, 102), ylim=(0, None))
    return figure


def risks(curves: Mapping[str, Sequence[tuple[float, float, float]]]) -> Figure:
    """Draw error rate by coverage; a curve is threshold, coverage and error rate by point."""
    figure, axes = diagram(5.6, 4.2)
    for name, points in curves.items():
        _, coverages, wrong = np.array(points).T
        axes.plot(100 * coverages, 100 * wrong, label=name)
    axes.set(xlabel="coverage in %", ylabel="error rate in %", xlim=(0, 102), ylim=(0, None))
    axes.legend(frameon=False)
    return figure


def precision_recall(curves: Sequence[PrecisionRecall]) -> Figure:
    """Draw precision by recall of every class, the worst classes in color."""
    figure, axes = diagram(4.5, 3.3)
    ordered = sorted(curves, key=lambda curve: curve.average_precision)
    for rank, curve in reversed(list(enumerate(ordered))):
        style: dict[str, Any] = {"color": BEST_COLOR, "alpha": 0.5}
        if rank < len(WORST_COLORS):
            label = f"{truncate_middle(curve.label)} (AP {curve.average_precision:.3f})"
            style = {"color": WORST_COLORS[rank], "linestyle": WORST_LINES[rank], "label": label}
        axes.plot(100 * curve.recalls, 100 * curve.precisions, **style)
    lowest = 40 if ordered and ordered[0].average_precision > 0.7 else 0
    axes.set(xlabel="recall in %", ylabel="precision in %", xlim=(0, 101), ylim=(lowest, 101))
    axes.legend(frameon=False, loc="lower left", fontsize=LABEL_FONT)
    return figure


def disagreements(pair: PairwiseComparison, images: Images) -> Figure:
    """Draw the images with different predictions, the most confident ones first."""
    titled = []
    for one in pair.disagreements[:MAX_DISAGREEMENTS]:
        title = f"{one.label}\nA {one.first}, B {one.second}"
        titled.append((images[one.index], truncate_middle(title, 80)))
    figure = draw_images(titled, columns=6, row_height=2.4, top=0.4)
    figure.suptitle(f"A: {pair.first}   B: {pair.second}")
    return figure
