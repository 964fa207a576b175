"""Summary of classified photos: shares with intervals over photographers, rejection, milliseconds.

Photos of one photographer share the floor, the light and the wardrobe, and are right or wrong
together. So an interval is taken over photographers where they are known.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ankleboot.core.types import Pixels
from ankleboot.data.preprocessing.segmentation import Segmentation
from ankleboot.evaluation.cross_validation import accuracy_interval
from ankleboot.evaluation.photo_kinds import GARMENT_KINDS, MAIN_KINDS, NEIGHBOR_KINDS, PHOTO_KINDS
from ankleboot.evaluation.robustness.out_of_distribution import auroc
from ankleboot.inference.decide import Prediction
from ankleboot.models.pretrained.catalog import PHOTO, ZERO_SHOT


@dataclass
class Photo:
    """A photo with its predictions and seconds by method.

    Attributes:
        kind: Name of its folder, one of `PHOTO_KINDS`.
        pixels: Decoded photo.
        garment: Segmentation; None on a plain background.
        group: Its photographer; empty if unknown.
    """

    kind: str
    pixels: Pixels
    garment: Segmentation | None
    predictions: dict[str, Prediction] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    group: str = ""

    def is_correct(self, method: str) -> bool:
        """Return whether the label is correct, or a photo without a correct one is declined."""
        labels, prediction = PHOTO_KINDS[self.kind].labels, self.predictions[method]
        return prediction.label in labels if labels else prediction.abstained


def of_kinds(photos: Iterable[Photo], kinds: Sequence[str]) -> list[Photo]:
    """Return the photos of some kinds."""
    return [photo for photo in photos if photo.kind in kinds]


def summarize_method(method: str, photos: Sequence[Photo]) -> dict[str, Any]:
    """Compute accuracy and coverage on the photos of the ten classes."""
    known = of_kinds(photos, GARMENT_KINDS)
    given = [photo for photo in known if not photo.predictions[method].abstained]
    by_kind = {kind: of_kinds(known, [kind]) for kind in GARMENT_KINDS}

    def is_correct(photo: Photo) -> bool:
        return photo.is_correct(method)

    return {
        "name": method,
        "accuracy": share(known, is_correct),
        "by_kind": {kind: share(some, is_correct) for kind, some in by_kind.items() if some},
        "answered": share(known, lambda photo: not photo.predictions[method].abstained),
        "right_of_answered": share(given, is_correct),
    }


def summarize_kinds(method: str, photos: Sequence[Photo]) -> dict[str, Any]:
    """Compute accuracy on all ten kinds of folders, and on each neighboring kind.

    A photo that no label is right for counts as correct if it is declined, whatever the reason.
    """

    def is_correct(photo: Photo) -> bool:
        return photo.is_correct(method)

    def is_answered(photo: Photo) -> bool:
        return not photo.predictions[method].abstained

    neighbors = {kind: of_kinds(photos, [kind]) for kind in NEIGHBOR_KINDS}
    return {
        "ten_kinds": share(of_kinds(photos, MAIN_KINDS), is_correct),
        "neighbors": {
            kind: {"right": share(some, is_correct), "answered": share(some, is_answered)}
            for kind, some in neighbors.items()
            if some
        },
    }


def summarize_rejection(method: str, photos: Sequence[Photo]) -> dict[str, Any]:
    """Compute separation and rejection of hats, shorts and skirts."""
    known = of_kinds(photos, GARMENT_KINDS)
    other = [photo for photo in of_kinds(photos, MAIN_KINDS) if photo.kind not in GARMENT_KINDS]

    def scores(some: Sequence[Photo]) -> np.ndarray:
        predictions = [photo.predictions[method] for photo in some]
        return np.array([each.none_of_these or 1 - each.confidence for each in predictions])

    return {
        "name": method,
        "auroc": auroc(scores(other), scores(known)) if other and known else None,
        "declined": share(other, lambda photo: photo.predictions[method].abstained),
    }


def share(photos: Sequence[Photo], holds: Callable[[Photo], bool]) -> dict[str, Any]:
    """Return the share of photos for which something holds, with its 95 % interval.

    The interval is taken over photographers where any is known; a photo without one counts as a
    photographer of its own.
    """
    if not photos:
        return {"share": None, "ci95": [0.0, 1.0], "num": 0}
    flags = np.array([holds(photo) for photo in photos])
    low, high = accuracy_interval(flags, _group_numbers(photos))
    return {"share": float(flags.mean()), "ci95": [low, high], "num": len(photos)}


def _group_numbers(photos: Sequence[Photo]) -> np.ndarray | None:
    if not any(photo.group for photo in photos):
        return None
    numbers: dict[str, int] = {}
    names = [photo.group or f"\0{index}" for index, photo in enumerate(photos)]
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])


def milliseconds(photos: Sequence[Photo]) -> dict[str, dict[str, float]]:
    """Return median and 99th percentile of each step, and of all steps of `predict`."""
    steps = {
        name: np.array([photo.seconds[name] for photo in photos]) for name in photos[0].seconds
    }
    shared = steps["decode"] + steps["cut out"]
    steps[f"all of {PHOTO}"] = shared + steps["resize"] + steps[PHOTO]
    steps[f"all of {ZERO_SHOT}"] = shared + steps["convert"] + steps[ZERO_SHOT]
    return {
        name: {f"p{q}": 1e3 * float(np.percentile(values, q)) for q in (50, 99)}
        for name, values in steps.items()
    }


def risk_curve(method: str, photos: Sequence[Photo]) -> list[tuple[float, float, float]]:
    """Return threshold, coverage and error rate as the threshold falls."""
    known = of_kinds(photos, GARMENT_KINDS)
    known.sort(key=lambda photo: -photo.predictions[method].confidence)
    errors = np.cumsum([not photo.is_correct(method) for photo in known])
    return [
        (photo.predictions[method].confidence, number / len(known), float(wrong / number))
        for number, (photo, wrong) in enumerate(zip(known, errors, strict=True), 1)
    ]


def list_errors(photos: Sequence[Photo]) -> list[tuple[Pixels, str, str]]:
    """Return pixels, folder and label of the photos that the model "photo" gets wrong.

    A question mark after the label means that the model abstained.
    """
    wrong = [photo for photo in photos if not photo.is_correct(PHOTO)]
    return [
        (photo.pixels, photo.kind, prediction.label + "?" * prediction.abstained)
        for photo in wrong
        for prediction in [photo.predictions[PHOTO]]
    ]
