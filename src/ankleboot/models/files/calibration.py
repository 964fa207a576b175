"""Calibration as stored beside a model: temperature and abstention threshold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Probs

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


def apply_temperature(probs: Probs, temperature: float) -> Probs:
    """What the softmax would give for logits divided by `temperature`; the ranking stays."""
    if temperature == 1:
        return probs
    calibrated: np.ndarray = _softmax(_logs(probs) / temperature).astype(probs.dtype)
    return calibrated


def _logs(probs: Probs) -> np.ndarray:
    tiny = np.finfo(np.float32).tiny
    logs: np.ndarray = np.log(np.maximum(probs.astype(np.float64), tiny))
    return logs


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return probs
