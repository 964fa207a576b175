"""Explanation of one prediction: what its figure and its document show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ankleboot.core.records import Record
from ankleboot.core.text import percent_text
from ankleboot.core.types import Image
from ankleboot.inference.decide import WITHOUT_LABEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Neighbor:
    """A training image that is similar in feature space."""

    train_index: int
    label: str
    image: Image


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Record):
    """Evidence for the prediction of one image.

    Attributes:
        name: Path to the image, or its name in the data set, such as "test:17".
        label: Class that the maps explain.
        true_label: Class of an image of the data set; None for others.
        reason: Reason of `predict` to abstain from the label of an image file. None if it has none,
            for images of the data set, and for a class that the user chose.
        cause: Code of the reason; see `Prediction`.
        maps: Evidence of each pixel by method: positive for the class, negative against it.
        neighbors: Training images, the most similar first.
        notes: Which model is explained, if not the named one, and methods that do not apply to it.
    """

    name: str
    label: str
    confidence: float
    image: Image
    maps: dict[str, np.ndarray]
    neighbors: tuple[Neighbor, ...]
    notes: tuple[str, ...] = ()
    true_label: str | None = None
    reason: str | None = None
    cause: str | None = None

    def verdict(self, *, with_reason: bool = False) -> str:
        """Return class and confidence as `predict` relies on them: marked, or no prediction."""
        reason = f", {self.reason}" if with_reason and self.reason else ""
        if self.cause in WITHOUT_LABEL:
            return f"no prediction{reason}; evidence for {self.label}"
        mark = "?" if self.reason else ""
        return f"{self.label}{mark} ({percent_text(self.confidence)}){reason}"

    def summary(self) -> dict[str, str]:
        """Return the image, and its class with the confidence."""
        return {"image": self.name, "explains": self.verdict()}

    def to_json(self) -> dict[str, Any]:
        """Return the explanation without its images and maps."""
        nearest = [{"train_index": n.train_index, "label": n.label} for n in self.neighbors]
        prediction = {"label": self.label, "confidence": self.confidence}
        document = {"path": self.name, **prediction, "nearest": nearest, "notes": list(self.notes)}
        reason = {"reason": self.reason, "cause": self.cause}
        return document | {"true_label": self.true_label} | reason

    def figure(self) -> Figure:
        """Draw the image, the maps and the neighbors."""
        from ankleboot.evaluation.plots.saliency import explanation

        title = f"{Path(self.name).name}: {self.verdict()}"
        if self.true_label is not None:
            title += f", true class {self.true_label}"
        images = np.stack([self.image, *(neighbor.image for neighbor in self.neighbors)])[1:]
        names = [neighbor.label for neighbor in self.neighbors]
        remark = f"No reliable prediction: {self.reason}." if self.reason else ""
        return explanation(self.image, self.maps, title, images, names, remark)
