"""Make confidences mean what they say, and know when not to answer; NumPy alone.

Fitted on validation images, never on the test split:

    calibration = fit(probs, labels)
    calibrated = apply_temperature(probs, calibration.temperature)
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot import metrics
from ankleboot.arrays import Labels, Probs
from ankleboot.errors import ModelError

PRECISION_WANTED = 0.95  # of the answers that are given
TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True)
class Calibration:
    """What was fitted on `num_examples` validation images, and what it changed there.

    Attributes:
        temperature: Logits are divided by it; below 1 the network was too modest.
        abstain_below: Of the calibrated confidences: the answers at or above it are right in
            `precision` of the cases; `coverage` is their share.
        precision_wanted: What `abstain_below` was chosen for.
        loss: Mean cross-entropy in nats, before and after.
        ece: Expected calibration error in 15 bins, before and after.
    """

    temperature: float
    abstain_below: float
    precision_wanted: float
    precision: float
    coverage: float
    num_examples: int
    loss: tuple[float, float]
    ece: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """The document that `from_json` reads."""
        return asdict(self) | {"loss": list(self.loss), "ece": list(self.ece)}


def from_json(document: Mapping[str, Any], path: object) -> Calibration:
    """Rebuild what `Calibration.to_json` returned.

    Raises:
        ModelError: If it is something else.
    """
    try:
        pairs = {name: tuple(document[name]) for name in ("loss", "ece")}
        found = Calibration(**(dict(document) | pairs))
        low, high = TEMPERATURES
        if not (low <= found.temperature <= high and 0 <= found.abstain_below <= 1):
            raise ValueError("a temperature or threshold out of range")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: damaged calibration ({error})") from error
    return found


def fit(probs: Probs, labels: Labels, *, precision_wanted: float = PRECISION_WANTED) -> Calibration:
    """Fit temperature and threshold.

    Args:
        probs: Uncalibrated answers on validation images.
        labels: Their classes.
        precision_wanted: Of the answers that are given, the share to be right.

    Raises:
        DataError: If there is nothing to fit on, or a probability is not finite.
    """
    metrics.check(probs, labels)
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


def apply_temperature(probs: Probs, temperature: float) -> Probs:
    """What the softmax would give for logits divided by `temperature`; the ranking stays."""
    if temperature == 1:
        return probs
    calibrated: np.ndarray = _softmax(_logs(probs) / temperature).astype(probs.dtype)
    return calibrated


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


def _logs(probs: Probs) -> np.ndarray:
    tiny = np.finfo(np.float32).tiny
    logs: np.ndarray = np.log(np.maximum(probs.astype(np.float64), tiny))
    return logs


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return probs
