"""Decisions on the photos of the folds, by a label weight and a calibration of other folds' photos.

For tools/make_photo_model.py.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.types import Image, Probs
from ankleboot.data.preprocessing.segmentation import Segmentation
from ankleboot.evaluation.calibration import abstention_threshold, fit_calibration
from ankleboot.evaluation.photo_kinds import PHOTO_KINDS
from ankleboot.evaluation.photo_summary import Photo
from ankleboot.inference.decide import Prediction, decide
from ankleboot.models.files.calibration import Calibration, apply_temperature
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained.catalog import PHOTO
from photo_data import LABELS, REJECT_LABELS, SourcePhoto

WEIGHTED = LABELS.index("Pullover")
WEIGHTS = np.arange(10, 31) / 10  # tried: 1.0 to 3.0


@dataclass(frozen=True)
class PhotoCalibration:
    """What is fitted to the photos of folds.

    Attributes:
        weight: Factor of the probability of Pullover, before the temperature.
        calibration: Temperature and threshold.
    """

    weight: float
    calibration: Calibration


@dataclass(frozen=True)
class JudgedImage:
    """An image, predicted by the model of a fold that has not seen it.

    Attributes:
        path: Path to its file.
        fold: Number of the fold.
        image: Small copy of the photo, which shows whether it is of one color.
        garment: Segmentation; None on a plain background.
        probs: Probabilities before calibration, in the order of `LABELS`.
        similarities: Similarity to the training images of each accepted label.
        threshold: Lowest similarity that the fold's out-of-distribution check accepts.
    """

    path: Path
    fold: int
    image: Image
    garment: Segmentation | None
    probs: Probs
    similarities: list[float]
    threshold: float

    def similarity(self, weight: float) -> float:
        """Return the similarity to the training images of the most likely accepted label."""
        weighted = self.probs * label_weights(weight)
        return self.similarities[int(weighted[: len(CLASS_NAMES)].argmax())]

    def decide(self, fitted: PhotoCalibration, abstain_below: float | None = None) -> Prediction:
        """Decide by what was fitted to other photos; None for its own threshold."""
        calibration = fitted.calibration
        probs = weigh(self.probs[np.newaxis], fitted.weight)
        info = ModelMetadata(
            labels=LABELS,
            reject_labels=REJECT_LABELS,
            abstain_below=calibration.abstain_below,
            crop="none",
            ood_check={"threshold": self.threshold},
        )
        return decide(
            self.image,
            self.garment,
            apply_temperature(probs, calibration.temperature)[0],
            info,
            similarity_of=lambda index: self.similarities[index],
            abstain_below=abstain_below,
            path=self.path.name,
        )


@dataclass(frozen=True)
class OutOfFoldPhoto:
    """A photo of a photographer whom the model has not seen."""

    source: SourcePhoto
    judged: JudgedImage


def label_weights(weight: float) -> list[float]:
    """Return the factor of each of `LABELS`: 1, or the weight of Pullover."""
    return [weight if index == WEIGHTED else 1.0 for index in range(len(LABELS))]


def weigh(probs: Probs, weight: float) -> Probs:
    """Multiply the probability of Pullover by a weight, and normalize."""
    weighted = probs * np.array(label_weights(weight))
    normalized: Probs = (weighted / weighted.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalized


def fit_weight(photos: list[OutOfFoldPhoto]) -> float:
    """Find the weight of Pullover with which the most likely label is right for most photos.

    Of equal ones it is the least. Hoodies are a seventh of the photos of Pullover; the networks
    prefer Coat for many of them.
    """
    probs = np.stack([photo.judged.probs for photo in photos])
    is_right = np.array(
        [[label in photo.source.right_labels for label in LABELS] for photo in photos]
    )
    rows = np.arange(len(photos))
    shares = [is_right[rows, weigh(probs, weight).argmax(axis=1)].mean() for weight in WEIGHTS]
    return float(WEIGHTS[int(np.argmax(shares))])


def calibrate_folds(predicted: list[OutOfFoldPhoto], *, without: int = 0) -> PhotoCalibration:
    """Fit weight and calibration to the photos with a label, of all folds or of all but one.

    The threshold counts what is answered then: the photos that pass the check and are not declined,
    and shoes as right with any label for shoes.
    """
    learned = [each for each in predicted if each.source.label and each.judged.fold != without]
    labels = np.array([LABELS.index(each.source.label) for each in learned])
    weight = fit_weight(learned)
    probs = weigh(np.stack([each.judged.probs for each in learned]), weight)
    calibration = fit_calibration(probs, labels)
    fitted = PhotoCalibration(weight, calibration)
    decided = [(each.judged.decide(fitted, 0.0), each.source.kind) for each in learned]
    given = [
        (one.confidence, one.label in PHOTO_KINDS[kind].labels)
        for one, kind in decided
        if not one.abstained
    ]
    confidences, is_right = map(np.array, zip(*given, strict=True))
    columns = np.stack([confidences, np.zeros(len(given))], axis=1)
    threshold = abstention_threshold(
        columns, np.where(is_right, 0, 1), calibration.precision_wanted
    )
    is_answered = confidences >= threshold
    calibration = replace(
        calibration,
        abstain_below=threshold,
        precision=float(is_right[is_answered].mean()),
        coverage=float(is_answered.sum() / len(learned)),
    )
    return PhotoCalibration(weight, calibration)


def calibrations_of_folds(predicted: list[OutOfFoldPhoto]) -> dict[int, PhotoCalibration]:
    """Return what is fitted for each fold, from the photos of the other folds."""
    folds = {each.judged.fold for each in predicted}
    return {fold: calibrate_folds(predicted, without=fold) for fold in folds}


def decide_folds(
    predicted: list[OutOfFoldPhoto], abstain_below: float | None = None
) -> list[Photo]:
    """Decide on every photo by the calibration of the other folds; see `JudgedImage.decide`."""
    calibrations = calibrations_of_folds(predicted)
    return [
        Photo(
            each.source.kind,
            each.judged.image,
            None,
            {PHOTO: each.judged.decide(calibrations[each.judged.fold], abstain_below)},
            group=each.source.sender,
        )
        for each in predicted
    ]
