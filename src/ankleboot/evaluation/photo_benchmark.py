"""How well photographs are named: what tutorials do, what the models here do, and what it costs.

The folder holds photographs in sub-folders named as below; every method gets the same ones.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Picture

from ankleboot.core.classes import SHOES
from ankleboot.core.errors import DataError
from ankleboot.core.subprocesses import machine_info
from ankleboot.core.types import IMAGE_SIZE, Image, Pixels
from ankleboot.data.preprocessing import preprocess
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.data.preprocessing.garment import garment_image
from ankleboot.data.preprocessing.segmentation import Segmentation, segment_garment
from ankleboot.evaluation import grabcut
from ankleboot.evaluation.metrics import wilson_interval
from ankleboot.evaluation.robustness.out_of_distribution import auroc
from ankleboot.inference.load import Predictor, load_predictor
from ankleboot.inference.predict import Prediction, decide
from ankleboot.models.pretrained.catalog import NAME, PHOTO, ZERO_SHOT

RIGHT = {
    "t-shirt": frozenset({"T-shirt/top"}),
    "pants": frozenset({"Trouser"}),
    "longsleeve": frozenset({"Pullover"}),
    "dress": frozenset({"Dress"}),
    "outwear": frozenset({"Coat"}),
    "shirt": frozenset({"Shirt"}),
    "shoes": SHOES,
}
"""Folders of photographs, and the answers that are right there."""

FOREIGN = ("hat", "shorts", "skirt")
"""Folders that show none of the ten classes: to be declined."""

METHODS = ("grey", "inverted", "grabcut", "cut-out", ZERO_SHOT, PHOTO)
"""Resized to 28 x 28 grey pixels as tutorials do, the same inverted, the garment cut out by a
rough GrabCut, by our network: all these for the shipped model of Fashion-MNIST; and the two models
for photographs."""

AGREED = 0.93  # intersection over union of two GrabCuts whose mask is taken for true
Say = Callable[[str], None]


@dataclass
class Photo:
    """A photograph and what was said of it."""

    path: Path
    kind: str  # its folder
    pixels: Pixels
    garment: Segmentation | None
    answers: dict[str, Prediction] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def is_right(self, method: str) -> bool:
        """Whether the method's answer is one of the right ones, abstained or not."""
        return self.answers[method].label in RIGHT.get(self.kind, ())


def benchmark_photos(folder: Path, say: Say) -> tuple[dict[str, Any], list[Photo]]:
    """Ask every method about every photograph, one at a time and on one core.

    Args:
        folder: With sub-folders named as in `RIGHT` and `FOREIGN`.
        say: Called with a line of progress.

    Returns:
        The figures, and the photographs with all answers.

    Raises:
        DataError: If there are no such photographs.
    """
    paths = [
        path for path in find_images([str(folder)], say) if path.parent.name in (*RIGHT, *FOREIGN)
    ]
    if not any(path.parent.name in RIGHT for path in paths):
        raise DataError(f"{folder}: no photographs in folders named {', '.join(RIGHT)}")
    usual, zero_shot, photo = (load_predictor(Path(name)) for name in (NAME, ZERO_SHOT, PHOTO))
    for predictor in (usual, zero_shot, photo):  # their first answer prepares the others
        predictor.predict(np.zeros((1, *predictor.info.image_spec.image_shape), np.uint8))
    found = []
    for number, path in enumerate(paths, 1):
        found.append(_asked(path, usual, zero_shot, photo))
        if number % 100 == 0 or number == len(paths):
            say(f"{number} of {len(paths)} photographs")
    document = {
        "folder": folder.name,
        "num_photos": len(found),
        "num_of_the_ten": sum(one.kind in RIGHT for one in found),
        "methods": [_summary(name, found) for name in METHODS],
        "risk": {name: _risk(name, found) for name in (ZERO_SHOT, PHOTO)},
        "declining": [_declining(name, found) for name in (ZERO_SHOT, PHOTO)],
        "cut_outs": _cut_outs(found, say),
        "milliseconds": _milliseconds(found),
        **machine_info(),
    }
    return document, found


def _asked(path: Path, usual: Predictor, zero_shot: Predictor, photo: Predictor) -> Photo:
    clock = _Clock()
    pixels = decode(path)
    clock.lap("decode")
    garment = preprocess.find_garment(pixels)
    clock.lap("cut out")
    one = Photo(path, path.parent.name, pixels, garment, seconds=clock.seconds)
    ours = preprocess.extract_garment(pixels, garment)
    clock.lap("convert")

    def ask(
        method: str, predictor: Predictor, image: Image, cut: Segmentation | None = None
    ) -> None:
        probs, info = predictor.predict(image[np.newaxis])[0], predictor.info
        one.answers[method] = decide(str(path), image, cut, probs, info, info.abstain_below)

    ask(ZERO_SHOT, zero_shot, ours, garment)
    clock.lap(ZERO_SHOT)
    whole = preprocess.preprocess(pixels, photo.info.image_spec)
    clock.lap("resize")
    ask(PHOTO, photo, whole, garment)
    clock.lap(PHOTO)

    ask("cut-out", usual, ours)
    size = (IMAGE_SIZE, IMAGE_SIZE)
    grey = np.asarray(Picture.fromarray(pixels).convert("L").resize(size))
    ask("grey", usual, grey)
    ask("inverted", usual, 255 - grey)
    rough = grabcut.rough(pixels).astype(np.uint8) * 255
    ask("grabcut", usual, garment_image(pixels, rough))
    return one


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def _summary(method: str, found: list[Photo]) -> dict[str, Any]:
    """Accuracy over the photographs that show one of the ten, whole and by folder."""
    ours = [one for one in found if one.kind in RIGHT]
    answered = [one for one in ours if not one.answers[method].abstained]
    by_kind = {kind: [one for one in ours if one.kind == kind] for kind in RIGHT}
    return {
        "name": method,
        "accuracy": _share([one.is_right(method) for one in ours]),
        "by_kind": {
            kind: _share([one.is_right(method) for one in of]) for kind, of in by_kind.items() if of
        },
        "answered": _share([not one.answers[method].abstained for one in ours]),
        "right_of_answered": _share([one.is_right(method) for one in answered]),
    }


def _share(outcomes: list[bool]) -> dict[str, Any]:
    """A share with its 95 % interval (Wilson)."""
    if not outcomes:
        return {"share": None, "ci95": [0.0, 1.0], "num": 0}
    right, num = sum(outcomes), len(outcomes)
    return {"share": right / num, "ci95": list(wilson_interval(right, num)), "num": num}


def _declining(method: str, found: list[Photo]) -> dict[str, Any]:
    """How well what is none of the ten is told apart, and how often it is declined."""
    foreign = [one for one in found if one.kind in FOREIGN]
    if not foreign:
        return {"name": method, "auroc": None, "declined": _share([])}

    def strangeness(one: Photo) -> float:
        said = one.answers[method]
        return said.none_of_these if said.none_of_these else 1 - said.confidence

    ours = np.array([strangeness(one) for one in found if one.kind in RIGHT])
    theirs = np.array([strangeness(one) for one in foreign])
    return {
        "name": method,
        "auroc": auroc(theirs, ours),
        "declined": _share([one.answers[method].abstained for one in foreign]),
    }


def _cut_outs(found: list[Photo], say: Say) -> dict[str, Any]:
    """Intersection over union with masks that are known, or that two GrabCuts agree on.

    Known masks come from laying agreed garments on other photographs' borders.
    """
    agreed, sure = [], []
    for number, one in enumerate(found, 1):
        mask, iou = grabcut.consensus(one.pixels)
        is_inside = not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
        if iou > AGREED and is_inside and 0.1 < mask.mean() < 0.6:
            sure.append((one, mask))
            agreed.append(grabcut.overlap(_ours(grabcut.squared(one.pixels)), mask))
        if number % 100 == 0:
            say(f"masks of {number} of {len(found)}")
    generator = np.random.default_rng(0)
    known: dict[str, list[float]] = {"ours": [], "grabcut": []}
    for one, mask in sure:
        other = found[int(generator.integers(len(found)))].pixels
        picture = grabcut.composite(grabcut.squared(one.pixels), mask, other)
        known["ours"].append(grabcut.overlap(_ours(picture), mask))
        known["grabcut"].append(grabcut.overlap(grabcut.rough(picture), mask))
    return {
        "not_found": sum(one.garment is not None and bool(one.garment.reason) for one in found),
        "several_things": sum(one.garment is not None and one.garment.things > 1 for one in found),
        "num_agreed": len(agreed),
        "iou_where_grabcuts_agree": _spread(agreed),
        "iou_on_composites": _spread(known["ours"]),
        "iou_on_composites_grabcut": _spread(known["grabcut"]),
    }


def _ours(picture: np.ndarray) -> np.ndarray:
    mask = segment_garment(picture).mask
    found: np.ndarray = cv2.resize(mask, picture.shape[1::-1]) >= 128
    return found


def _spread(values: list[float]) -> dict[str, float | None]:
    if not values:
        return {"mean": None, "tenth": None}
    return {"mean": statistics.mean(values), "tenth": float(np.quantile(values, 0.1))}


def _milliseconds(found: list[Photo]) -> dict[str, dict[str, float]]:
    """Of each step, and of all that `predict` does with a photograph."""
    steps = {name: [one.seconds[name] for one in found] for name in found[0].seconds}
    shared = ("decode", "cut out")
    for method, own in ((PHOTO, ("resize", PHOTO)), (ZERO_SHOT, ("convert", ZERO_SHOT))):
        steps[f"all of {method}"] = [
            sum(one.seconds[name] for name in (*shared, *own)) for one in found
        ]
    return {
        name: {
            "p50": 1e3 * statistics.median(values),
            "p99": 1e3 * float(np.quantile(values, 0.99)),
        }
        for name, values in steps.items()
    }


def _risk(method: str, found: list[Photo]) -> list[tuple[float, float, float]]:
    """Threshold, share answered and share of those wrong, as the threshold falls."""
    ours = sorted(
        (one for one in found if one.kind in RIGHT),
        key=lambda one: -one.answers[method].confidence,
    )
    wrong = np.cumsum([not one.is_right(method) for one in ours])
    return [
        (one.answers[method].confidence, number / len(ours), float(wrong[number - 1] / number))
        for number, one in enumerate(ours, 1)
    ]


def wrong(found: list[Photo], method: str = PHOTO) -> list[tuple[Pixels, str, str]]:
    """The photographs that a method answered wrongly: pixels, folder, and what was said."""
    sheet = []
    for one in found:
        said = one.answers[method]
        if one.kind in RIGHT and not one.is_right(method):
            sheet.append((one.pixels, one.kind, said.label + "?" * said.abstained))
        elif one.kind in FOREIGN and not said.abstained:
            sheet.append((one.pixels, one.kind, said.label))
    return sheet
