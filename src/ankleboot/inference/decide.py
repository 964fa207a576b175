"""Turn probabilities into a prediction: label, confidence, and the reasons to abstain."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot.core.classes import SHOES
from ankleboot.core.types import Image
from ankleboot.data.preprocessing.segmentation import Box, Segmentation
from ankleboot.models.files.metadata import ModelMetadata

MIN_RUNNER_UP_PROB = 0.1  # probability of a second label that is worth naming

WITHOUT_LABEL = ("missing", "blank", "declined", "unfamiliar")
"""Causes to abstain where the image shows none of the classes, so that no label is a guess."""


@dataclass(frozen=True)
class GarmentPrediction:
    """Label of one of several garments on a photo; see `Prediction` for the other attributes.

    Attributes:
        box: Place of the garment on the upright photo.
    """

    box: Box
    label: str
    confidence: float
    abstained: bool
    reason: str | None
    cause: str | None


@dataclass(frozen=True)
class Prediction:
    """Label of one image, and whether to rely on it.

    Attributes:
        path: Path to the image file, or its name.
        label: Label with the highest probability.
        index: Index of the label among the classes.
        confidence: Probability of the label.
        probs: Probability of every label that a prediction can have.
        none_of_these: Probability that the image shows something else, if the model estimates it.
        abstained: Whether the label is a guess that must not be relied on.
        reason: Reason to abstain, or None.
        cause: Code of the reason for programs: missing, blank, declined, unfamiliar, several or
            unsure.
        passes: Passes of a network that the prediction needed; see `inference/views.py`.
        garments: Predictions of the garments one by one, from left to right, if the cause is
            "several"; else empty.
        similarity: Similarity to the training images of the label, up to 1, by which the model's
            out-of-distribution check judged; None if it did not.
    """

    path: str
    label: str
    index: int
    confidence: float
    probs: dict[str, float]
    none_of_these: float
    abstained: bool
    reason: str | None
    cause: str | None
    passes: int = 1
    garments: tuple[GarmentPrediction, ...] = ()
    similarity: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return one line of `predict --json`."""
        return vars(self) | {"garments": [asdict(garment) for garment in self.garments]}


def decide(
    image: Image,
    garment: Segmentation | None,
    probs: np.ndarray,
    info: ModelMetadata,
    *,
    is_blank: bool = False,
    similarity_of: Callable[[int], float] | None = None,
    abstain_below: float | None = None,
    path: str = "",
) -> Prediction:
    """Turn one row of calibrated probabilities into a prediction.

    Args:
        image: Input of the model.
        garment: Its garment; None if the model predicts without one.
        probs: Probabilities of the model's labels.
        info: Metadata of the model.
        is_blank: Whether the photo is of one color; a model's input may have a frame around it.
        similarity_of: Function of the out-of-distribution check; see `ood_features.similarity_of`.
        abstain_below: Minimal confidence; None for the model's own threshold.
        path: Path to the image file, or its name.
    """
    by_label = {label: float(p) for label, p in zip(info.labels, probs, strict=True)}
    rejected = {label: by_label.pop(label) for label in info.reject_labels}
    if not rejected and info.crop == "none":
        garment = None  # the model predicts whole images, with or without a garment
    threshold = info.abstain_below if abstain_below is None else abstain_below
    label = max(by_label, key=by_label.__getitem__)
    index = info.labels.index(label)
    cause, reason = _obstacle(
        garment, by_label, rejected, is_blank=is_blank or is_of_one_color(image)
    )
    similarity = similarity_of(index) if similarity_of is not None and cause is None else None
    if cause is None and similarity is not None and similarity < info.ood_check["threshold"]:
        cause = "unfamiliar"
        reason = f"unlike the images that the model learned (most like {label})"
    if cause is None and by_label[label] < threshold:
        cause, reason = "unsure", _doubt(by_label)
    return Prediction(
        path=path,
        label=label,
        index=index,
        confidence=by_label[label],
        probs=by_label,
        none_of_these=math.fsum(rejected.values()),
        abstained=reason is not None,
        reason=reason,
        cause=cause,
        similarity=similarity,
    )


def is_of_one_color(image: Image) -> bool:
    """Return whether all pixels of an image are equal; the first row settles it for most."""
    first = image[:1, :1]
    return bool((image[:1] == first).all() and (image == first).all())


def _obstacle(
    garment: Segmentation | None,
    by_label: dict[str, float],
    rejected: dict[str, float],
    *,
    is_blank: bool,
) -> tuple[str, str] | tuple[None, None]:
    """Return the code and the sentence of the first reason that holds at any confidence."""
    best = max(by_label, key=by_label.__getitem__)
    if garment is not None and garment.failure:
        # before "blank": an image without a garment has one color, too
        return "missing", garment.failure
    if is_blank:
        return "blank", "the image is of one color"
    if rejected and math.fsum(rejected.values()) >= by_label[best]:
        nearest = max(rejected, key=rejected.__getitem__)
        number = "ten" if len(by_label) == 10 else len(by_label)
        return "declined", f"not one of the {number} kinds of garment (most like {nearest})"
    if garment is not None and garment.num_objects > 1 and best not in SHOES:
        return "several", "more than one garment on the photo"
    return None, None


def _doubt(by_label: dict[str, float]) -> str:
    """Return the sentence about a confidence below the threshold."""
    best, runner_up = sorted(by_label, key=lambda label: -by_label[label])[:2]
    if by_label[runner_up] >= MIN_RUNNER_UP_PROB:
        return f"unsure between {best} and {runner_up}"
    return f"not sure of {best}"
