"""Figures made of images: samples, doubtful ones, twins."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ankleboot.core.text import truncate_middle
from ankleboot.core.types import Images, Labels, Pixels, SomeImages
from ankleboot.evaluation.label_issues import LabelIssue

MOST_CLASSES = 30  # beyond it a figure cannot show all


def escape_label(name: str, length: int = 24) -> str:
    """A name as matplotlib should write it: not too long, and a dollar is no formula."""
    return truncate_middle(name, length).replace("$", r"\$")


def samples(
    images: Images, labels: Labels, class_names: tuple[str, ...], *, per_class: int = 8
) -> Figure:
    """The first images of every class (of thirty at most), a row per class, with its name."""
    names = class_names[:MOST_CLASSES]
    figure = Figure(figsize=(0.95 * per_class + 1.6, max(2, len(names))), layout="constrained")
    grid = figure.subplots(len(names), per_class, squeeze=False)
    for label, (name, row) in enumerate(zip(names, grid, strict=True)):
        chosen = images[np.flatnonzero(labels == label)[:per_class]]
        for column, axes in enumerate(row):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if column < len(chosen):
                axes.imshow(chosen[column], cmap="gray_r", vmin=0, vmax=255)
        row[0].set_ylabel(escape_label(name), rotation=0, ha="right", va="center", fontsize=11)
    return figure


def suspects(found: tuple[LabelIssue, ...], images: Images) -> Figure:
    """The most doubtful labels: what is written beneath, what the model says."""
    shown = found[:60]
    rows = max(1, -(-len(shown) // 10))
    figure = Figure(figsize=(14, 1.75 * rows), layout="constrained")
    grid = figure.subplots(rows, 10, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, one in zip(grid, shown, strict=False):
        show_image(
            axes,
            images[one.index],
            f"{escape_label(one.label)}\n{escape_label(one.suggested)}? {100 * one.p_suggested:.0f} %",
        )
    return figure


def duplicates(
    pairs: tuple[tuple[int, int, float], ...], second: SomeImages, first: SomeImages
) -> Figure:
    """Near duplicates side by side, the most similar first."""
    shown = pairs[:30]
    rows = max(1, -(-len(shown) // 6))
    figure = Figure(figsize=(14, 1.5 * rows), layout="constrained")
    grid = figure.subplots(rows, 6, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (a, b, r) in zip(grid, shown, strict=False):
        show_image(axes, np.hstack([second[a], first[b]]), f"{a} and {b}, r = {r:.4f}")
    return figure


def show_image(axes: Any, image: np.ndarray, title: str) -> None:
    """Draw one image, grey or in its colors, with a title."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=9)


def wrong_photos(wrong: list[tuple[Pixels, str, str]]) -> Figure:
    """Photographs that were named wrongly: what they show, and what was said."""
    rows = max(1, -(-len(wrong) // 8))
    figure = Figure(figsize=(14, 2.3 * rows), layout="constrained")
    grid = figure.subplots(rows, 8, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (pixels, shown, said) in zip(grid, wrong, strict=False):
        axes.imshow(pixels)
        axes.set_title(f"{escape_label(shown)}\nsaid: {escape_label(said)}", fontsize=9)
    return figure
