"""Make confidences mean what they say, and know when not to answer; NumPy alone.

Fitted on validation images, never on the test split:

    calibration = fit(probs, labels)
    calibrated = apply_temperature(probs, calibration.temperature)
"""

from dataclasses import dataclass

import numpy as np

from ankleboot.core.types import Labels, Probs
from ankleboot.evaluation import metrics
from ankleboot.models.files.calibration import (
    TEMPERATURES,
    Calibration,
    _logs,
    _softmax,
    apply_temperature,
)

TARGET_PRECISION = 0.95  # of the answers that are given


def fit_calibration(
    probs: Probs, labels: Labels, *, precision_wanted: float = TARGET_PRECISION
) -> Calibration:
    """Fit temperature and threshold.

    Args:
        probs: Uncalibrated answers on validation images.
        labels: Their classes.
        precision_wanted: Of the answers that are given, the share to be right.

    Raises:
        DataError: If there is nothing to fit on, or a probability is not finite.
    """
    metrics.validate_predictions(probs, labels)
    temperature = fit_temperature(probs, labels)
    after = apply_temperature(probs, temperature)
    threshold = abstention_threshold(after, labels, precision_wanted)
    answered = after.max(axis=1) >= threshold
    right = after.argmax(axis=1) == labels
    return Calibration(
        temperature=temperature,
        abstain_below=threshold,
        precision_wanted=precision_wanted,
        precision=float(right[answered].mean()) if answered.any() else 0.0,
        coverage=float(answered.mean()),
        num_examples=len(labels),
        loss=(metrics.log_loss(probs, labels), metrics.log_loss(after, labels)),
        ece=(
            metrics.expected_calibration_error(probs, labels),
            metrics.expected_calibration_error(after, labels),
        ),
    )


def fit_temperature(probs: Probs, labels: Labels) -> float:
    """The temperature with the least cross-entropy, by bisection of its (monotone) derivative.

    Source: Guo et al. 2017, section 4.2, https://arxiv.org/abs/1706.04599
    """
    logs = _logs(probs)
    own = logs[np.arange(len(labels)), labels]

    def slope(inverse: float) -> float:  # of the loss, by the inverse temperature
        return float(((_softmax(inverse * logs) * logs).sum(axis=1) - own).mean())

    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(np.clip(2 / (low + high), *TEMPERATURES))


def abstention_threshold(probs: Probs, labels: Labels, precision_wanted: float) -> float:
    """The confidence from which on answers are right often enough, for as many as possible.

    Returns:
        0 if all answers may be given, 1 if no threshold suffices.
    """
    confidences = probs.max(axis=1).astype(np.float64)
    order = np.argsort(-confidences, kind="stable")
    right = (probs.argmax(axis=1) == labels)[order]
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    # a threshold answers all of equal confidence, or none of them
    falls = np.append(np.diff(confidences[order]) < 0, True)
    good = np.flatnonzero((precision >= precision_wanted) & falls)
    if len(good) == 0:
        return 1.0
    last = int(good[-1])
    return 0.0 if last == len(right) - 1 else float(confidences[order][last])


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Equal-width confidence bins: how many answers, how sure and how right they are on average."""

    counts: tuple[int, ...]
    confidences: tuple[float, ...]
    accuracies: tuple[float, ...]


def reliability_diagram(
    probs: Probs, labels: Labels, *, num_bins: int = metrics.NUM_BINS
) -> ReliabilityDiagram:
    """The bins whose gaps `expected_calibration_error` averages; empty ones are 0.

    Source: Guo et al. 2017, section 2, https://arxiv.org/abs/1706.04599
    """
    bins = metrics.confidence_bins(probs, num_bins)
    right = (probs.argmax(axis=1) == labels).astype(np.float64)
    counts = np.bincount(bins, minlength=num_bins)
    sums = [np.bincount(bins, values, num_bins) for values in (probs.max(axis=1), right)]
    means = [(values / np.maximum(counts, 1)).tolist() for values in sums]
    return ReliabilityDiagram(tuple(counts.tolist()), tuple(means[0]), tuple(means[1]))


@dataclass(frozen=True)
class RiskCoverage:
    """Errors among the answers given, for every threshold, from the surest answer on."""

    thresholds: tuple[float, ...]
    coverages: tuple[float, ...]
    risks: tuple[float, ...]


def risk_coverage(probs: Probs, labels: Labels, *, num_points: int = 400) -> RiskCoverage:
    """What abstaining buys.

    Args:
        probs: Calibrated answers.
        labels: Their classes.
        num_points: The curve is thinned out to about so many.

    Source: Geifman and El-Yaniv 2017, https://arxiv.org/abs/1705.08500
    """
    confidences = probs.max(axis=1).astype(np.float64)
    order = np.argsort(-confidences, kind="stable")
    wrong = (probs.argmax(axis=1) != labels)[order]
    number = np.arange(1, len(wrong) + 1)
    risks = wrong.cumsum() / number
    shown = np.unique(np.linspace(0, len(wrong) - 1, num_points).round().astype(int))
    return RiskCoverage(
        tuple(confidences[order][shown].tolist()),
        tuple((number[shown] / len(wrong)).tolist()),
        tuple(risks[shown].tolist()),
    )
