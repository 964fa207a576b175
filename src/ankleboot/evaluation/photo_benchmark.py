"""Benchmark of photo classification: accuracy, rejection and milliseconds per method.

Photos are in folders with the names of `photo_kinds.PHOTO_KINDS`; all methods get the same ones.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.errors import DataError
from ankleboot.core.subprocesses import machine_info
from ankleboot.core.types import IMAGE_SIZE, Image
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.data.preprocessing.garment import garment_image
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import Segmentation, segment_garment
from ankleboot.data.tables.groups import read_group_rows
from ankleboot.evaluation import grabcut
from ankleboot.evaluation.photo_kinds import GARMENT_KINDS, PHOTO_KINDS
from ankleboot.evaluation.photo_summary import (
    Photo,
    milliseconds,
    of_kinds,
    risk_curve,
    summarize_kinds,
    summarize_method,
    summarize_rejection,
)
from ankleboot.inference.decide import Prediction, decide
from ankleboot.inference.load import load_predictor
from ankleboot.inference.ood_features import similarity_of
from ankleboot.inference.predictor import Predictor
from ankleboot.models.pretrained.catalog import PHOTO, PRETRAINED, ZERO_SHOT

METHODS = ("grey", "inverted", "grabcut", "cut-out", ZERO_SHOT, PHOTO)
"""Four inputs of the shipped model of Fashion-MNIST: photos resized to 28 x 28 gray pixels as in
tutorials, the same inverted, and garments segmented by GrabCut or by our network; and the two
models for photos."""

MIN_AGREEMENT = 0.93  # intersection over union of two GrabCuts; such masks count as true
PROGRESS_INTERVAL = 100  # photos

Progress = Callable[[str], None]


def benchmark_photos(
    folder: Path, progress: Progress, groups: Path | None = None
) -> tuple[dict[str, Any], list[Photo]]:
    """Predict every photo with every method, one at a time and on one core.

    Args:
        folder: Folder of folders named as in `PHOTO_KINDS`.
        progress: Function that receives lines of progress.
        groups: CSV file with the columns path and group (or sender): the photographer of each
            photo, over whom intervals are taken. It may name photos that are not in the folder.

    Returns:
        The measurements, and the photos with all predictions.

    Raises:
        DataError: If there are no such photos, or the file lacks a column or names none of them.
    """
    found = find_images([str(folder)], progress)
    paths = [path for path in found if path.parent.name in PHOTO_KINDS]
    if not any(path.parent.name in GARMENT_KINDS for path in paths):
        raise DataError(f"{folder}: no photos; expected folders named {', '.join(GARMENT_KINDS)}")
    senders = _read_senders(groups, folder) if groups else {}
    if groups and not senders.keys() & {path.resolve() for path in paths}:
        raise DataError(f"{groups}: none of its paths leads to a photo in {folder}")
    predictors = [load_predictor(name) for name in (PRETRAINED, ZERO_SHOT, PHOTO)]
    for predictor in predictors:  # warm-up
        predictor.predict(np.zeros((1, *predictor.info.image_spec.image_shape), np.uint8))
    photos = []
    for number, path in enumerate(paths, 1):
        photos.append(_predict(path, *predictors, group=senders.get(path.resolve(), "")))
        if number % PROGRESS_INTERVAL == 0 or number == len(paths):
            progress(f"{number} of {len(paths)} photos")
    document = {
        "folder": folder.name,
        "num_photos": len(photos),
        "num_of_the_ten": len(of_kinds(photos, GARMENT_KINDS)),
        "num_senders": len({photo.group for photo in photos if photo.group}),
        "methods": [summarize_method(name, photos) for name in METHODS],
        "kinds": {name: summarize_kinds(name, photos) for name in (ZERO_SHOT, PHOTO)},
        "risk": {name: risk_curve(name, photos) for name in (ZERO_SHOT, PHOTO)},
        "declining": [summarize_rejection(name, photos) for name in (ZERO_SHOT, PHOTO)],
        "cut_outs": _summarize_segmentation(photos, progress),
        "milliseconds": milliseconds(photos),
        **machine_info(),
    }
    return document, photos


def _read_senders(path: Path, root: Path) -> dict[Path, str]:
    """Read the photographer of each photo; paths lead there from `root` or the file's folder."""
    rows, _ = read_group_rows(path)
    return {
        (folder / name).resolve(): group
        for name, group in rows
        for folder in (root, path.parent)
        if (folder / name).is_file()
    }


def _predict(
    path: Path, fashion: Predictor, zero_shot: Predictor, whole: Predictor, *, group: str
) -> Photo:
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
        similarity = similarity_of(image, predictor.info)
        return decide(
            image, garment, probs, predictor.info, similarity_of=similarity, path=str(path)
        )

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
    return Photo(path.parent.name, pixels, garment, predictions, seconds, group)


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
