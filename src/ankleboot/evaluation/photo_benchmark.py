"""Benchmark of photo classification: accuracy, rejection and milliseconds per method.

Photos are in folders with the names of `LABELS` and `OTHER_OBJECTS`; all methods get the same ones.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.classes import SHOES
from ankleboot.core.errors import DataError
from ankleboot.core.subprocesses import machine_info
from ankleboot.core.types import IMAGE_SIZE, Image, Pixels
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.data.preprocessing.garment import garment_image
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import Segmentation, segment_garment
from ankleboot.evaluation import grabcut
from ankleboot.evaluation.metrics import wilson_interval
from ankleboot.evaluation.robustness.out_of_distribution import auroc
from ankleboot.inference.decide import Prediction, decide
from ankleboot.inference.load import load_predictor
from ankleboot.inference.predictor import Predictor
from ankleboot.models.pretrained.catalog import PHOTO, PRETRAINED, ZERO_SHOT

LABELS = {
    "t-shirt": frozenset({"T-shirt/top"}),
    "pants": frozenset({"Trouser"}),
    "longsleeve": frozenset({"Pullover"}),
    "dress": frozenset({"Dress"}),
    "outwear": frozenset({"Coat"}),
    "shirt": frozenset({"Shirt"}),
    "shoes": SHOES,
}
"""Correct labels by folder."""

OTHER_OBJECTS = ("hat", "shorts", "skirt")
"""Folders of objects outside the ten classes, which a model should reject."""

METHODS = ("grey", "inverted", "grabcut", "cut-out", ZERO_SHOT, PHOTO)
"""Four inputs of the shipped model of Fashion-MNIST: photos resized to 28 x 28 gray pixels as in
tutorials, the same inverted, and garments segmented by GrabCut or by our network; and the two
models for photos."""

MIN_AGREEMENT = 0.93  # intersection over union of two GrabCuts; such masks count as true
PROGRESS_INTERVAL = 100  # photos

Progress = Callable[[str], None]


@dataclass
class Photo:
    """A photo with its predictions and seconds by method; its kind is the name of its folder."""

    kind: str
    pixels: Pixels
    garment: Segmentation | None
    predictions: dict[str, Prediction] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def is_correct(self, method: str) -> bool:
        """Return whether the label is correct, with or without abstention."""
        return self.predictions[method].label in LABELS.get(self.kind, ())


def benchmark_photos(folder: Path, progress: Progress) -> tuple[dict[str, Any], list[Photo]]:
    """Predict every photo with every method, one at a time and on one core.

    Returns:
        The measurements, and the photos with all predictions.

    Raises:
        DataError: If there are no such photos.
    """
    found, kinds = find_images([str(folder)], progress), (*LABELS, *OTHER_OBJECTS)
    paths = [path for path in found if path.parent.name in kinds]
    if not any(path.parent.name in LABELS for path in paths):
        raise DataError(f"{folder}: no photos; expected folders named {', '.join(LABELS)}")
    predictors = [load_predictor(name) for name in (PRETRAINED, ZERO_SHOT, PHOTO)]
    for predictor in predictors:  # warm-up
        predictor.predict(np.zeros((1, *predictor.info.image_spec.image_shape), np.uint8))
    photos = []
    for number, path in enumerate(paths, 1):
        photos.append(_predict(path, *predictors))
        if number % PROGRESS_INTERVAL == 0 or number == len(paths):
            progress(f"{number} of {len(paths)} photos")
    document = {
        "folder": folder.name,
        "num_photos": len(photos),
        "num_of_the_ten": sum(photo.kind in LABELS for photo in photos),
        "methods": [summarize_method(name, photos) for name in METHODS],
        "risk": {name: risk_curve(name, photos) for name in (ZERO_SHOT, PHOTO)},
        "declining": [summarize_rejection(name, photos) for name in (ZERO_SHOT, PHOTO)],
        "cut_outs": _summarize_segmentation(photos, progress),
        "milliseconds": _milliseconds(photos),
        **machine_info(),
    }
    return document, photos


def _predict(path: Path, fashion: Predictor, zero_shot: Predictor, whole: Predictor) -> Photo:
    seconds = {}

    def timed(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        result = function(*arguments)
        seconds[name] = time.perf_counter() - start
        return result

    def predict(
        predictor: Predictor, image: Image, garment: Segmentation | None = None
    ) -> Prediction:
        probs = predictor.predict(image[np.newaxis])[0]
        return decide(image, garment, probs, predictor.info, path=str(path))

    pixels = timed("decode", decode, path)
    decoded = DecodedImage(pixels)
    garment = timed("cut out", lambda: decoded.segmentation)
    extracted = timed("convert", lambda: decoded.garment)
    by_zero_shot = timed(ZERO_SHOT, predict, zero_shot, extracted, garment)
    resized = timed("resize", decoded.preprocess, whole.info.image_spec)
    by_photo = timed(PHOTO, predict, whole, resized, garment)
    gray = np.asarray(PillowImage.fromarray(pixels).convert("L").resize((IMAGE_SIZE, IMAGE_SIZE)))
    mask = grabcut.from_center(pixels).astype(np.uint8) * 255
    predictions = {
        "grey": predict(fashion, gray),
        "inverted": predict(fashion, 255 - gray),
        "grabcut": predict(fashion, garment_image(pixels, mask)),
        "cut-out": predict(fashion, extracted),
        ZERO_SHOT: by_zero_shot,
        PHOTO: by_photo,
    }
    return Photo(path.parent.name, pixels, garment, predictions, seconds)


def summarize_method(method: str, photos: list[Photo]) -> dict[str, Any]:
    """Compute accuracy and coverage on the photos of the ten classes."""
    known = [photo for photo in photos if photo.kind in LABELS]
    given = [photo for photo in known if not photo.predictions[method].abstained]

    def correct(some: list[Photo]) -> dict[str, Any]:
        return _fraction(sum(photo.is_correct(method) for photo in some), len(some))

    by_kind = {kind: [photo for photo in known if photo.kind == kind] for kind in LABELS}
    return {
        "name": method,
        "accuracy": correct(known),
        "by_kind": {kind: correct(members) for kind, members in by_kind.items() if members},
        "answered": _fraction(len(given), len(known)),
        "right_of_answered": correct(given),
    }


def _fraction(successes: int, num: int) -> dict[str, Any]:
    """Return a fraction with its Wilson interval."""
    if not num:
        return {"share": None, "ci95": [0.0, 1.0], "num": 0}
    return {"share": successes / num, "ci95": list(wilson_interval(successes, num)), "num": num}


def summarize_rejection(method: str, photos: list[Photo]) -> dict[str, Any]:
    """Compute separation and rejection of objects outside the ten classes."""
    known: list[tuple[float, bool]] = []
    other: list[tuple[float, bool]] = []
    for photo in photos:
        prediction = photo.predictions[method]
        score = prediction.none_of_these or 1 - prediction.confidence
        (known if photo.kind in LABELS else other).append((score, prediction.abstained))
    area = auroc(np.array(other)[:, 0], np.array(known)[:, 0]) if other else None
    declined = _fraction(sum(abstained for _, abstained in other), len(other))
    return {"name": method, "auroc": area, "declined": declined}


def _summarize_segmentation(photos: list[Photo], progress: Progress) -> dict[str, Any]:
    """Compute the overlap with masks that two GrabCuts agree on, and with known masks.

    Known masks come from composites: an agreed garment on the border of another photo.
    """
    agreed = []
    for number, photo in enumerate(photos, 1):
        mask, agreement = grabcut.consensus(photo.pixels)
        is_inside = not (mask[[0, -1]].any() or mask[:, [0, -1]].any())
        if agreement > MIN_AGREEMENT and is_inside and 0.1 < mask.mean() < 0.6:
            agreed.append((grabcut.squared(photo.pixels), mask))
        if number % PROGRESS_INTERVAL == 0:
            progress(f"masks of {number} of {len(photos)} photos")
    rng = np.random.default_rng(0)
    where_agreed, on_composites, by_grabcut = [], [], []
    for image, mask in agreed:
        other = photos[int(rng.integers(len(photos)))].pixels
        composite = grabcut.composite(image, mask, other)
        where_agreed.append(grabcut.overlap(_segment(image), mask))
        on_composites.append(grabcut.overlap(_segment(composite), mask))
        by_grabcut.append(grabcut.overlap(grabcut.from_center(composite), mask))
    garments = [photo.garment for photo in photos if photo.garment is not None]
    return {
        "not_found": sum(bool(garment.failure) for garment in garments),
        "several_things": sum(garment.num_objects > 1 for garment in garments),
        "num_agreed": len(agreed),
        "iou_where_grabcuts_agree": _mean_and_decile(where_agreed),
        "iou_on_composites": _mean_and_decile(on_composites),
        "iou_on_composites_grabcut": _mean_and_decile(by_grabcut),
    }


def _segment(image: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.resize(segment_garment(image).mask, image.shape[1::-1]) >= 128)


def _mean_and_decile(values: list[float]) -> dict[str, float | None]:
    if not values:
        return {"mean": None, "tenth": None}
    return {"mean": statistics.mean(values), "tenth": float(np.quantile(values, 0.1))}


def _milliseconds(photos: list[Photo]) -> dict[str, dict[str, float]]:
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


def risk_curve(method: str, photos: list[Photo]) -> list[tuple[float, float, float]]:
    """Return threshold, coverage and error rate as the threshold falls."""
    known = [photo for photo in photos if photo.kind in LABELS]
    known.sort(key=lambda photo: -photo.predictions[method].confidence)
    errors = np.cumsum([not photo.is_correct(method) for photo in known])
    return [
        (photo.predictions[method].confidence, number / len(known), float(wrong / number))
        for number, (photo, wrong) in enumerate(zip(known, errors, strict=True), 1)
    ]


def list_errors(photos: list[Photo]) -> list[tuple[Pixels, str, str]]:
    """Return pixels, folder and label of the photos that the model "photo" gets wrong.

    A question mark after the label means that the model abstained.
    """
    errors = []
    for photo in photos:
        prediction = photo.predictions[PHOTO]
        if not (photo.is_correct(PHOTO) if photo.kind in LABELS else prediction.abstained):
            label = prediction.label + "?" * prediction.abstained
            errors.append((photo.pixels, photo.kind, label))
    return errors
