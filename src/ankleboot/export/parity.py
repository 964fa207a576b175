"""The gate: a file stays only if it answers as the Keras model does."""

import math
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images
from ankleboot.data.dataset import LabeledImages
from ankleboot.inference.load import Predictor

WARM_UP, TIMED = 50, 500  # predictions of one image


@dataclass(frozen=True)
class ParityLimits:
    """How far a format's answers may be from Keras'.

    Attributes:
        max_abs_diff: Of any probability.
        top1_agreement: Share of images with the same first answer.
        max_accuracy_loss: Fraction of the images, where labels must be asked because rounding
            moves answers; None where answers must not move at all.
    """

    max_abs_diff: float = 1.0
    top1_agreement: float = 0.0
    max_accuracy_loss: float | None = None


FLOAT32 = ParityLimits(max_abs_diff=1e-4, top1_agreement=1.0)
FLOAT16 = ParityLimits(max_abs_diff=1e-2, top1_agreement=0.999)
"""Half precision rounds every weight by up to 1 in 2,048: 1e-4 is beyond any such file."""
INT8 = ParityLimits(top1_agreement=0.97, max_accuracy_loss=0.003)


@dataclass(frozen=True)
class ParityResult:
    """A file's answers beside Keras' on the images of a split.

    Attributes:
        max_abs_diff: Largest difference of a probability.
        accuracy_change: Of the file, less Keras'; None where labels were not asked.
    """

    max_abs_diff: float
    top1_agreement: float
    num_examples: int
    accuracy_change: float | None = None
    split: str = "test"

    def to_json(self) -> dict[str, Any]:
        """As it stands in the document of `export --json`."""
        return asdict(self)


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one prediction of one image: half take up to p50, 99 in 100 up to p99."""

    p50: float
    p99: float

    def to_json(self) -> dict[str, float]:
        """As it stands in the document of `export --json`."""
        return asdict(self)


def check_parity(
    reference: Predictor, candidate: Predictor, part: LabeledImages, limits: ParityLimits, what: str
) -> ParityResult:
    """Compare two predictors on every image.

    Args:
        reference: The Keras model.
        candidate: What was exported, in its own runtime.
        part: A whole split; its labels are looked at for `max_accuracy_loss` only.
        limits: What is allowed.
        what: Name of the candidate for the message.

    Raises:
        ModelError: If a limit is passed; the message has the figures and the limits.
    """
    expected, got = reference.predict(part.images), candidate.predict(part.images)
    first, second = expected.argmax(axis=1), got.argmax(axis=1)
    change = None
    if limits.max_accuracy_loss is not None:
        change = float((second == part.labels).mean() - (first == part.labels).mean())
    finite = bool(np.isfinite(got).all())
    found = ParityResult(
        max_abs_diff=float(np.abs(expected - got).max()) if finite else float("inf"),
        top1_agreement=float((first == second).mean()),
        num_examples=len(part),
        accuracy_change=change,
    )
    faults = []
    if found.max_abs_diff > limits.max_abs_diff:
        faults.append(
            f"probabilities differ by up to {found.max_abs_diff:.2g} "
            f"(allowed {limits.max_abs_diff:g})"
        )
    differ, allowed = int((first != second).sum()), _allowed(1 - limits.top1_agreement, len(part))
    if differ > allowed:
        faults.append(f"{differ:,} of {len(part):,} first answers differ (allowed {allowed:,})")
    if change is not None and limits.max_accuracy_loss is not None:
        if round(-change * len(part)) > _allowed(limits.max_accuracy_loss, len(part)):
            faults.append(
                f"the accuracy falls by {-100 * change:.2f} points "
                f"(allowed {100 * limits.max_accuracy_loss:g})"
            )
    if faults:
        raise ModelError(f"{what} does not answer as the Keras model: {'; '.join(faults)}; removed")
    return found


def _allowed(share: float, num: int) -> int:
    """Images that may fare otherwise; one in any case, unless none may."""
    return max(1, math.floor(share * num + 1e-9)) if share > 0 else 0


def measure_latency(predictor: Predictor, images: Images) -> Latency:
    """Time predictions of one image at a time, on this machine as it is now."""
    seconds = []
    for index in range(WARM_UP + TIMED):
        image = images[index % len(images)][None]
        started = time.perf_counter()
        predictor.predict(image)
        seconds.append(time.perf_counter() - started)
    p50, p99 = np.quantile(seconds[WARM_UP:], [0.5, 0.99])
    return Latency(round(1e3 * float(p50), 4), round(1e3 * float(p99), 4))
