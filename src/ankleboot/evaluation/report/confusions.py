"""Confusion matrix of the report: a cell has its count, its share of the row, and its images."""

from typing import Any

import numpy as np

from ankleboot.core.text import percent_text, share_text
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.evaluation.report.sprite import Sprite

IMAGES_PER_CELL = 18
MAX_IMAGES = {1: 1_500, 3: 500}  # in all cells, by the channels of an image
STRONGEST = 0.55  # opacity of a color that text remains readable on


def matrix_rows(inputs: ReportInputs) -> list[list[dict[str, Any] | None]]:
    """Return the cells by row; None for a pair of classes without images.

    The opacity of an error grows with the square root of its share of the row, so that rare errors
    are visible, too.
    """
    matrix = np.array(inputs.evaluation.confusion_matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    largest = max(float((shares * ~np.eye(len(matrix), dtype=bool)).max()), 1e-9)

    def cell(row: int, column: int) -> dict[str, Any] | None:
        if not matrix[row, column]:
            return None
        share = float(shares[row, column])
        opacity = 0.0 if row == column else STRONGEST * (share / largest) ** 0.5
        return {
            "count": int(matrix[row, column]),
            "percent": share_text(share),
            "opacity": f"{opacity:.2f}",
        }

    size = len(matrix)
    return [[cell(row, column) for column in range(size)] for row in range(size)]


def cell_images(inputs: ReportInputs, sprite: Sprite) -> dict[str, list[list[Any]]]:
    """Return position in the sprite, name and confidence of images by "row-column".

    Errors come before correct predictions, and frequent cells before rare ones, until there are as
    many images as a page can hold.
    """
    labels, predicted = inputs.images.labels, inputs.probs.argmax(axis=1)
    confidence, cells = inputs.probs.max(axis=1), {}
    matrix = np.array(inputs.evaluation.confusion_matrix)
    pairs = np.argwhere(matrix)
    order = sorted(pairs.tolist(), key=lambda pair: (pair[0] == pair[1], -matrix[*pair]))
    room = MAX_IMAGES[1 if inputs.images.images.ndim == 3 else 3]
    per_cell = max(3, min(IMAGES_PER_CELL, room // len(order)))
    for row, column in order:
        inside = np.flatnonzero((labels == row) & (predicted == column))
        surest = inside[np.argsort(-confidence[inside], kind="stable")]
        chosen = surest[: min(per_cell, room)].tolist()
        if not chosen:
            break
        room -= len(chosen)
        cells[f"{row}-{column}"] = [
            [sprite.add(i), inputs.images.name(i), percent_text(float(confidence[i]))]
            for i in chosen
        ]
    return cells
