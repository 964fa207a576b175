"""Calibration of confidences, the threshold for abstaining, and diagrams of both.

Everything is fitted on validation images, never on the test split.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import NamedTuple

import numpy as np

from ankleboot.core.files import write_json
from ankleboot.core.types import Indices, Labels, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.data.verify_data import verify_same_data
from ankleboot.evaluation import metrics
from ankleboot.evaluation.select_split import validation_images
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.calibration import (
    FEW_IMAGES,
    TEMPERATURE_RANGE,
    Calibration,
    apply_temperature,
    log_probs,
    loss_slope,
    softmax,
)
from ankleboot.models.run import Run

TARGET_PRECISION = 0.95  # accuracy of the predictions that are given
MANY_IMAGES = 1_000  # as many without an error support a mean confidence of 99.9 %
NUM_BINS = 15  # equal-width bins of confidence
NUM_CURVE_POINTS = 400  # of the risk-coverage curve, which is thinned out


class LabeledPredictions(NamedTuple):
    """Probabilities of images and their labels."""

    probs: Probs
    labels: Labels


def calibrate(
    run: Run, data: Dataset, predictions: LabeledPredictions | None = None
) -> Calibration:
    """Fit a finished run's calibration on its validation images, and store it.

    Predictors loaded from the run afterwards give calibrated probabilities. A run that has a
    calibration keeps it.

    Args:
        run: Complete run.
        data: Data set that it was trained on.
        predictions: Result of `predict_validation`, if that is known already.

    Raises:
        ModelError: If the run is not complete, or its model is damaged.
        UsageError: If the run was trained on other data.
    """
    if (stored := run.calibration()) is not None:
        return stored
    calibration = fit_calibration(*(predictions or predict_validation(run, data)))
    write_json(run.folder / "calibration.json", asdict(calibration))
    run.seal(calibration)
    return calibration


def predict_validation(run: Run, data: Dataset) -> LabeledPredictions:
    """Predict the validation images of a finished run, calibrated if it has a calibration."""
    verify_same_data(run, data)
    validation = validation_images(run.recipe(), data)
    probs = load_predictor(run.folder).predict(validation.images)
    return LabeledPredictions(probs, validation.labels)


def fit_calibration(probs: Probs, labels: Labels) -> Calibration:
    """Fit temperature and threshold to uncalibrated predictions on validation images.

    Twelve correct predictions do not prove certainty. So fewer than `FEW_IMAGES` images neither
    raise a confidence nor give a threshold below the lowest confidence of a correct prediction, and
    fewer than `MANY_IMAGES` raise the mean confidence to (correct + 1) / (images + 2) at most.

    Raises:
        DataError: If there is no image, or a probability is not finite.
    """
    metrics.validate_predictions(probs, labels)
    num, is_few = len(labels), len(labels) < FEW_IMAGES
    temperature = fit_temperature(probs, labels)
    if temperature < 1 and num < MANY_IMAGES:
        temperature = 1.0 if is_few else min(1.0, max(temperature, _least_supported(probs, labels)))
    calibrated = apply_temperature(probs, temperature)
    threshold = abstention_threshold(calibrated, labels, TARGET_PRECISION)
    confidences, is_correct = calibrated.max(axis=1), calibrated.argmax(axis=1) == labels
    if is_few and is_correct.any():
        threshold = max(threshold, float(confidences[is_correct].min()))
    is_given = confidences >= threshold
    return Calibration(
        temperature=temperature,
        abstain_below=threshold,
        precision_wanted=TARGET_PRECISION,
        precision=float(is_correct[is_given].mean()) if is_given.any() else 0.0,
        coverage=float(is_given.mean()),
        num_examples=num,
        loss=(metrics.log_loss(probs, labels), metrics.log_loss(calibrated, labels)),
        ece=(
            expected_calibration_error(probs, labels),
            expected_calibration_error(calibrated, labels),
        ),
    )


def fit_temperature(probs: Probs, labels: Labels) -> float:
    """Find the temperature with the least cross-entropy by bisection of its derivative."""
    logits = log_probs(probs)
    return _bisect(lambda inverse: loss_slope(logits, labels, inverse) < 0)


def _least_supported(probs: Probs, labels: Labels) -> float:
    """Find the temperature at which the mean confidence is the accuracy, shrunk towards a half."""
    supported = ((probs.argmax(axis=1) == labels).sum() + 1) / (len(labels) + 2)
    logits = log_probs(probs)
    return _bisect(lambda inverse: softmax(inverse * logits).max(axis=1).mean() < supported)


def _bisect(is_too_soft: Callable[[float], bool]) -> float:
    """Find the temperature in its range whose inverse is the least that is not too soft."""
    low, high = 1 / TEMPERATURE_RANGE[1], 1 / TEMPERATURE_RANGE[0]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if is_too_soft(middle) else (low, middle)
    return float(np.clip(2 / (low + high), *TEMPERATURE_RANGE))


def abstention_threshold(probs: Probs, labels: Labels, precision: float) -> float:
    """Find the lowest confidence from which on predictions reach a precision.

    It is 0 if all predictions together reach it, 1 if no threshold does.
    """
    confidences, is_correct = _by_confidence(probs, labels)
    precisions = is_correct.cumsum() / np.arange(1, len(is_correct) + 1)
    # a threshold admits all predictions of equal confidence, or none of them
    falls = np.append(np.diff(confidences) < 0, True)
    suitable = np.flatnonzero((precisions >= precision) & falls)
    if len(suitable) == 0:
        return 1.0
    return 0.0 if suitable[-1] == len(is_correct) - 1 else float(confidences[suitable[-1]])


def _by_confidence(probs: Probs, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidences as they fall, and which of the predictions are correct."""
    confidences = probs.max(axis=1).astype(np.float64)
    order = np.argsort(-confidences, kind="stable")
    return confidences[order], (probs.argmax(axis=1) == labels)[order]


def confidence_bins(probs: Probs) -> Indices:
    """Assign predictions to equal-width bins; bin i holds (i/NUM_BINS, (i+1)/NUM_BINS]."""
    confidence = probs.max(axis=1).astype(np.float64)
    return np.asarray(np.clip(np.ceil(confidence * NUM_BINS) - 1, 0, NUM_BINS - 1), np.int64)


def expected_calibration_error(probs: Probs, labels: Labels) -> float:
    """Return the mean gap between confidence and accuracy, weighted by bin size.

    Source: Guo et al. 2017, section 2, https://arxiv.org/abs/1706.04599
    """
    confidence = probs.max(axis=1).astype(np.float64)
    is_correct = probs.argmax(axis=1) == labels
    bins = confidence_bins(probs)
    gaps = np.bincount(bins, confidence, NUM_BINS) - np.bincount(bins, is_correct, NUM_BINS)
    return float(np.abs(gaps).sum() / len(labels))


class ReliabilityDiagram(NamedTuple):
    """Number of predictions, mean confidence and accuracy by equal-width bin of confidence."""

    counts: np.ndarray
    confidences: np.ndarray
    accuracies: np.ndarray


def reliability_diagram(probs: Probs, labels: Labels) -> ReliabilityDiagram:
    """Compute the bins whose gaps `expected_calibration_error` averages; empty ones are 0.

    Source: Guo et al. 2017, section 2, https://arxiv.org/abs/1706.04599
    """
    bins = confidence_bins(probs)
    counts = np.bincount(bins, minlength=NUM_BINS)
    values = probs.max(axis=1), probs.argmax(axis=1) == labels
    means = [np.bincount(bins, each, NUM_BINS) / np.maximum(counts, 1) for each in values]
    return ReliabilityDiagram(counts, *means)


class RiskCoverage(NamedTuple):
    """Error rate among the predictions given, by threshold, the highest confidence first."""

    thresholds: np.ndarray
    coverages: np.ndarray
    risks: np.ndarray


def risk_coverage(probs: Probs, labels: Labels) -> RiskCoverage:
    """Compute the error rate against coverage for calibrated predictions.

    Source: Geifman and El-Yaniv 2017, https://arxiv.org/abs/1705.08500
    """
    confidences, is_correct = _by_confidence(probs, labels)
    num = len(is_correct)
    points = np.unique(np.linspace(0, num - 1, NUM_CURVE_POINTS).round().astype(int))
    counts = points + 1
    return RiskCoverage(confidences[points], counts / num, (~is_correct).cumsum()[points] / counts)
