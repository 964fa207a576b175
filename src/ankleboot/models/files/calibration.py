"""Calibration as stored beside a model: temperature and abstention threshold; NumPy alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Labels, Probs

TEMPERATURE_RANGE = (0.05, 20.0)
Temperature = Annotated[float, msgspec.Meta(ge=TEMPERATURE_RANGE[0], le=TEMPERATURE_RANGE[1])]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Loss = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
FEW_IMAGES = 100  # fewer raise no confidence; 73 without an error are needed to show 95 %


@dataclass(frozen=True)
class Calibration:
    """Temperature and threshold, fitted on `num_examples` validation images.

    Attributes:
        temperature: Divisor of the logits; below 1 the network was underconfident.
        abstain_below: Lowest calibrated confidence at which the model gives its prediction.
        precision_wanted: Accuracy that `abstain_below` was chosen to reach.
        precision: Accuracy of the predictions at or above `abstain_below`.
        coverage: Fraction of the images with such a prediction.
        loss: Mean cross-entropy in nats, before and after calibration.
        ece: Expected calibration error, before and after calibration.
    """

    temperature: Temperature
    abstain_below: Fraction
    precision_wanted: Fraction
    precision: Fraction
    coverage: Fraction
    num_examples: Annotated[int, msgspec.Meta(ge=0)]
    loss: tuple[Loss, Loss]
    ece: tuple[Fraction, Fraction]

    @property
    def caution(self) -> str:
        """Sentence about how few images the fit rests on; empty for enough of them."""
        if self.num_examples >= FEW_IMAGES:
            return ""
        return (
            f"The calibration rests on {self.num_examples:,} validation images: it raises no "
            f"confidence, and the model abstains below {self.abstain_below:.2f}, the lowest "
            f"confidence that the images support; a precision of {100 * self.precision_wanted:.0f} "
            "% is not shown by so few."
        )

    @classmethod
    def from_json(cls, document: Mapping[str, Any], path: object) -> "Calibration":
        """Rebuild a calibration from calibration.json; messages name the path.

        Raises:
            ModelError: If a field is unknown, missing or out of range.
        """
        try:
            calibration: Calibration = msgspec.convert(dict(document), cls)
            if unknown := sorted(document.keys() - vars(calibration).keys()):
                raise ValueError(f"unknown field {unknown[0]}")
        except (TypeError, ValueError) as error:
            raise ModelError(f"{path}: damaged calibration ({error})") from error
        return calibration


def apply_temperature(probs: Probs, temperature: float) -> Probs:
    """Return the softmax of the logits divided by `temperature`; the ranking stays."""
    if temperature == 1:
        return probs
    calibrated: np.ndarray = softmax(log_probs(probs) / temperature).astype(probs.dtype)
    return calibrated


def loss_slope(logits: np.ndarray, labels: Labels, inverse: float) -> float:
    """Return the derivative of the mean cross-entropy by the inverse temperature.

    It is monotone. Source: Guo et al. 2017, section 4.2, https://arxiv.org/abs/1706.04599
    """
    label_logits = logits[np.arange(len(labels)), labels]
    return float(((softmax(inverse * logits) * logits).sum(axis=1) - label_logits).mean())


def log_probs(probs: Probs) -> np.ndarray:
    """Return finite logarithms in float64; they are logits of the same probabilities."""
    logs: np.ndarray = np.log(np.maximum(probs.astype(np.float64), np.finfo(np.float32).tiny))
    return logs


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities along the last axis; the largest logit is subtracted first."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probs: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return probs
