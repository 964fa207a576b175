"""Figures made of images: samples, label issues, duplicates, wrong predictions."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ankleboot.core.text import truncate_middle
from ankleboot.core.types import Images, Labels, Pixels, SomeImages
from ankleboot.evaluation.label_issues import LabelIssue

MAX_CLASSES = 30  # in a figure
MAX_ISSUES = 60
MAX_DUPLICATES = 30
IMAGES_PER_CLASS = 8


def escape_label(name: str, length: int = 24) -> str:
    """Shorten a name and escape the dollars, which start a formula in matplotlib."""
    return truncate_middle(name, length).replace("$", r"\$")


def samples(images: Images, labels: Labels, class_names: tuple[str, ...]) -> Figure:
    """Draw the first images of every class in a row with its name."""
    names = class_names[:MAX_CLASSES]
    size = (0.95 * IMAGES_PER_CLASS + 1.6, max(2, len(names)))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(names), IMAGES_PER_CLASS, squeeze=False)
    for label, (name, row) in enumerate(zip(names, grid, strict=True)):
        chosen = images[np.flatnonzero(labels == label)[:IMAGES_PER_CLASS]]
        for column, axes in enumerate(row):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if column < len(chosen):
                axes.imshow(chosen[column], cmap="gray_r", vmin=0, vmax=255)
        row[0].set_ylabel(escape_label(name), rotation=0, ha="right", va="center", fontsize=11)
    return figure


def suspects(issues: tuple[LabelIssue, ...], images: Images) -> Figure:
    """Draw the most doubtful labels: label above, suggested label below."""
    shown = issues[:MAX_ISSUES]
    figure, grid = _grid(len(shown), 10, 1.75)
    for axes, issue in zip(grid, shown, strict=False):
        suggested = f"{escape_label(issue.suggested)}? {100 * issue.p_suggested:.0f} %"
        show_image(axes, images[issue.index], f"{escape_label(issue.label)}\n{suggested}")
    return figure


def duplicates(
    pairs: tuple[tuple[int, int, float], ...], second: SomeImages, first: SomeImages
) -> Figure:
    """Draw near duplicates side by side, the most similar first."""
    shown = pairs[:MAX_DUPLICATES]
    figure, grid = _grid(len(shown), 6, 1.5)
    for axes, (a, b, r) in zip(grid, shown, strict=False):
        show_image(axes, np.hstack([second[a], first[b]]), f"{a} and {b}, r = {r:.4f}")
    return figure


def wrong_photos(wrong: list[tuple[Pixels, str, str]]) -> Figure:
    """Draw photos with their true and their predicted class."""
    figure, grid = _grid(len(wrong), 8, 2.3)
    for axes, (pixels, label, predicted) in zip(grid, wrong, strict=False):
        axes.imshow(pixels)
        title = f"{escape_label(label)}\npredicted: {escape_label(predicted)}"
        axes.set_title(title, fontsize=9)
    return figure


def show_image(axes: Any, image: np.ndarray, title: str) -> None:
    """Draw one image, gray or in its colors, with a title."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=9)


def _grid(count: int, columns: int, row_height: float) -> tuple[Figure, Any]:
    """Return a figure of 14 inches width with empty axes for `count` images."""
    rows = max(1, -(-count // columns))
    figure = Figure(figsize=(14, row_height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    return figure, grid
