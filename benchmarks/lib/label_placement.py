"""Placement of labels beside the marks of a diagram, so that they cover nothing."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection

from ankleboot.evaluation.plots.style import BEST_COLOR

DISTANCES = (7, 13, 20, 29, 40, 52)  # points between a mark and its label, nearest first
ANGLES = (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240)  # degrees, best first
RADIUS = 5  # points of a mark
LEADER = 13  # points from which a line joins label and mark
COVERED, OUTSIDE, CROWDED, CROSSED = 5, 10, 30, 60
"""Costs: of a square pixel over something, of one outside the axes, of another mark that is nearer
than the label's own, and of a point of the line that runs over something; a point of distance
costs a quarter."""

Label = tuple[float, float, str, dict[str, Any]]  # x, y, text, properties
Boxes = np.ndarray  # rows of x0, y0, x1, y1 in pixels


def place_labels(canvas: FigureCanvasAgg, axes: Any, labels: Sequence[Label]) -> None:
    """Write each label beside its mark at (x, y); the first ones choose first.

    Marks of `scatter` without a label and the legend are kept free, too.
    """
    renderer, scale = canvas.get_renderer(), axes.figure.dpi / 72
    offsets = [np.array([label[:2] for label in labels], float).reshape(-1, 2)]
    for each in axes.collections:
        if isinstance(each, PathCollection):  # others, such as error bars, have no offsets
            offsets.append(np.asarray(each.get_offsets(), float))
    marks = axes.transData.transform(np.concatenate(offsets))
    boxes = _around(marks, RADIUS * scale)
    if legend := axes.get_legend():
        boxes = np.concatenate([boxes, [legend.get_window_extent(renderer).extents]])
    for (x, y, text, style), mark in zip(labels, marks, strict=False):
        note = axes.annotate(
            text, (x, y), xytext=(0, 0), textcoords="offset points", in_layout=False, **style
        )
        choices: list[tuple[Any, ...]] = []
        for distance, angle in itertools.product(DISTANCES, ANGLES):
            _move(note, angle, distance)
            box = note.get_window_extent(renderer).padded(1).extents
            line = _leader(box, mark) if distance >= LEADER else np.zeros((0, 2))
            cost = _cost(box, line, mark, marks, boxes, axes.bbox.extents)
            choices.append((cost + distance / 4, len(choices), distance, angle, box, line))
        _, _, distance, angle, box, line = min(choices, key=lambda choice: choice[:2])
        _move(note, angle, distance)
        boxes = np.concatenate([boxes, [box], _around(line, 1)])
        if distance >= LEADER:
            end = axes.transData.inverted().transform(_nearest(box, mark))
            axes.plot([x, end[0]], [y, end[1]], color=BEST_COLOR, linewidth=0.6, zorder=2)


def _cost(
    box: np.ndarray, line: np.ndarray, mark: np.ndarray, marks: np.ndarray, boxes: Boxes, axes: Any
) -> float:
    """Return the cost of a label's place and of the line that joins it to its mark."""
    width, height = box[2:] - box[:2]
    outside = width * height - _overlaps(box, np.array([axes])).sum()
    gaps = np.hypot(*(_nearest(box, marks) - marks).T)
    nearer = gaps < np.hypot(*(_nearest(box, mark) - mark)) - 0.5
    points = line[:, None]
    crossed = ((points > boxes[:, :2]) & (points < boxes[:, 2:])).all(axis=2)
    covered = COVERED * _overlaps(box, boxes).sum() + OUTSIDE * outside
    return float(covered + CROWDED * nearer.sum() + CROSSED * crossed.sum())


def _move(note: Any, angle: float, distance: float) -> None:
    """Put a label at a distance in points from its mark, aligned with it."""
    across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    note.set_position((distance * across, distance * up))
    note.set_horizontalalignment(_side(across, "left", "right"))
    note.set_verticalalignment(_side(up, "bottom", "top"))


def _side(share: float, positive: str, negative: str) -> str:
    if abs(share) < 0.1:
        return "center"
    return positive if share > 0 else negative


def _around(points: np.ndarray, radius: float) -> Boxes:
    return np.concatenate([points - radius, points + radius], axis=1)


def _overlaps(box: np.ndarray, boxes: Boxes) -> np.ndarray:
    """Return the area that a box has in common with each of the others."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    areas: np.ndarray = sides.clip(min=0).prod(axis=1)
    return areas


def _nearest(box: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the point of a box that is nearest to each of the points."""
    nearest: np.ndarray = np.clip(points, box[:2], box[2:])
    return nearest


def _leader(box: np.ndarray, mark: np.ndarray) -> np.ndarray:
    """Return points on the line from a mark to its label, outside of the mark."""
    way = _nearest(box, mark) - mark
    length = float(np.hypot(*way)) or 1.0
    points: np.ndarray = mark + np.arange(9, length, 2)[:, None] / length * way
    return points
