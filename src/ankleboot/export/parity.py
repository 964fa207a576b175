"""Comparison of an exported file with its Keras model, and its latency."""

import math
import time
from dataclasses import dataclass

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images
from ankleboot.data.dataset import LabeledImages
from ankleboot.inference.parity_limits import ParityLimits
from ankleboot.inference.predictor import Predictor

NUM_WARM_UP_CALLS, NUM_TIMED_CALLS = 50, 500  # predictions of one image


@dataclass(frozen=True)
class ParityResult:
    """Differences between an exported file and its Keras model on a split.

    Attributes:
        max_abs_diff: Largest difference of a probability.
        top1_agreement: Fraction of the images with the same label.
        accuracy_change: Accuracy of the file minus that of Keras; None if labels were not used.
        split: "test" or "validation".
    """

    max_abs_diff: float
    top1_agreement: float
    num_examples: int
    accuracy_change: float | None = None
    split: str = "test"


@dataclass(frozen=True)
class Latency:
    """Median and 99th percentile of the time to predict one image, in milliseconds."""

    p50: float
    p99: float


def check_parity(
    reference: Predictor,
    candidate: Predictor,
    data: LabeledImages,
    limits: ParityLimits,
    *,
    name: str,
    split: str = "test",
) -> ParityResult:
    """Compare the exported model with the Keras model on every image of a split.

    The labels matter only for `max_accuracy_loss`. Messages contain `name`.

    Raises:
        ModelError: If a difference exceeds its limit; the message has both.
    """
    expected, actual = reference.predict(data.images), candidate.predict(data.images)
    expected_labels, labels = expected.argmax(axis=1), actual.argmax(axis=1)
    accuracy_change = None
    if limits.max_accuracy_loss is not None:
        is_correct, was_correct = labels == data.labels, expected_labels == data.labels
        accuracy_change = float(is_correct.mean() - was_correct.mean())
    is_finite = bool(np.isfinite(actual).all())
    result = ParityResult(
        max_abs_diff=float(np.abs(expected - actual).max()) if is_finite else float("inf"),
        top1_agreement=float((expected_labels == labels).mean()),
        num_examples=len(data),
        accuracy_change=accuracy_change,
        split=split,
    )
    num_changed = int((expected_labels != labels).sum())
    if exceeded := _exceeded_limits(result, num_changed, limits):
        raise ModelError(
            f"{name} differs from the Keras model: {'; '.join(exceeded)}; the file was removed"
        )
    return result


def _exceeded_limits(result: ParityResult, num_changed: int, limits: ParityLimits) -> list[str]:
    exceeded, number = [], result.num_examples
    if result.max_abs_diff > limits.max_abs_diff:
        exceeded.append(
            f"probabilities differ by up to {result.max_abs_diff:.2g} "
            f"(limit {limits.max_abs_diff:g})"
        )
    if num_changed > (limit := _max_images(1 - limits.top1_agreement, number)):
        exceeded.append(f"{num_changed:,} of {number:,} labels differ (limit {limit:,})")
    change = result.accuracy_change
    if change is not None and limits.max_accuracy_loss is not None:
        if round(-change * number) > _max_images(limits.max_accuracy_loss, number):
            exceeded.append(
                f"the accuracy falls by {-100 * change:.2f} points "
                f"(limit {100 * limits.max_accuracy_loss:g})"
            )
    return exceeded


def _max_images(fraction: float, number: int) -> int:
    """Return the number of images that may change: at least one, unless the fraction is 0."""
    return max(1, math.floor(fraction * number + 1e-9)) if fraction > 0 else 0


def measure_latency(predictor: Predictor, images: Images) -> Latency:
    """Time predictions of one image at a time on this machine."""
    seconds = []
    for index in range(NUM_WARM_UP_CALLS + NUM_TIMED_CALLS):
        image = images[index % len(images)][None]
        started = time.perf_counter()
        predictor.predict(image)
        seconds.append(time.perf_counter() - started)
    p50, p99 = np.quantile(seconds[NUM_WARM_UP_CALLS:], [0.5, 0.99])
    return Latency(round(1e3 * float(p50), 4), round(1e3 * float(p99), 4))
