"""Trial of conventions on labeled images: meaning of the outputs, class order, and losses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Labels
from ankleboot.models.files.calibration import loss_slope, softmax
from ankleboot.models.foreign.assignment import best_assignment
from ankleboot.models.foreign.candidates import Signature
from ankleboot.models.foreign.convention import Convention

SUM_TOLERANCE = 0.02  # of the sum of probabilities; a quantized model rounds each to 1/256
MIN_ORDER_Z = 4.0  # standard deviations of the gain, from which on another class order is tried
TEMPERATURES = (1e-2, 1e3)  # raw pixels make a network a hundred times too sure, or too unsure

Predict = Callable[[np.ndarray], np.ndarray]
"""Raw outputs (n, outputs) of a model for its inputs."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A candidate convention with its accuracy on labeled images.

    Attributes:
        order_accuracy: With the outputs assigned to the labels that they fit best.
        order: That assignment; the order of the outputs if it is not clearly another.
        losses: Cross-entropy of each image in nats, with `order`.
        fitted: The same after division of the logits by the temperature that fits best.
        is_correct: Whether each image is predicted correctly, with `order`.
        in_place: The same with the labels in the order of the outputs.
    """

    convention: Convention
    order_accuracy: float
    order: tuple[int, ...]
    losses: np.ndarray
    fitted: np.ndarray
    is_correct: np.ndarray
    in_place: np.ndarray

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return float(self.losses.mean())

    @property
    def accuracy(self) -> float:
        """Accuracy with the labels in the order of the outputs."""
        return float(self.in_place.mean())

    @property
    def best(self) -> float:
        """Accuracy with `order`."""
        return float(self.is_correct.mean())

    def to_json(self) -> dict[str, Any]:
        """Return a row of the table of candidates."""
        return {
            "input": self.convention.scaling,
            "fit": self.convention.fit,
            "accuracy": self.accuracy,
            "reordered_accuracy": self.order_accuracy,
            "loss": self.loss,
            "fitted_loss": float(self.fitted.mean()),
            "num_images": len(self.losses),
        }


def output_kind(outputs: np.ndarray, stated: str = "") -> str:
    """Recognize the meaning of outputs; `stated` is what the file says."""
    if not np.isfinite(outputs).all():
        raise ModelError("its outputs are not finite numbers")
    if stated:
        return stated
    are_fractions = bool(((outputs >= 0) & (outputs <= 1)).all())
    if outputs.shape[1] == 1:
        return "binary-sigmoid" if are_fractions else "binary-logit"
    if not are_fractions:
        return "logits"
    sums = outputs.astype(np.float64).sum(axis=1)
    return "softmax" if np.abs(sums - 1).max() <= SUM_TOLERANCE else "sigmoid"


def try_candidates(
    predict: Predict,
    signature: Signature,
    conventions: Sequence[Convention],
    images: Images,
    labels: Labels,
    order: tuple[int, ...] | None,
) -> list[Trial]:
    """Evaluate candidates on labeled images, the best first.

    Args:
        predict: The model.
        signature: Its input and outputs.
        conventions: Candidates.
        images: Images.
        labels: Their labels.
        order: Output of each label, where the user named it; None to find it.
    """
    outputs = [predict(convention.inputs(images)) for convention in conventions]
    kind = output_kind(np.concatenate(outputs), signature.outputs)
    num_classes = 2 if signature.num_outputs == 1 else signature.num_outputs
    in_order = order or tuple(range(num_classes))
    trials = []
    for convention, values in zip(conventions, outputs, strict=True):
        tried = replace(convention, outputs=kind, order=in_order)
        trials.append(_try(tried, tried.log_probs(values), labels, may_reorder=order is None))
    return sorted(trials, key=lambda trial: (-trial.best, trial.loss))


def _try(convention: Convention, logits: np.ndarray, labels: Labels, *, may_reorder: bool) -> Trial:
    num = logits.shape[1]
    predicted, identity = logits.argmax(axis=1), tuple(range(num))
    matrix = np.bincount(labels.astype(int) * num + predicted, minlength=num * num)
    assigned = best_assignment(matrix.reshape(num, num))
    in_place, reordered = predicted == labels, predicted == np.array(assigned)[labels]
    is_other = may_reorder and z_of(reordered.astype(float) - in_place) >= MIN_ORDER_Z
    order = assigned if is_other else identity
    logits = logits[:, list(order)]
    return Trial(
        replace(convention, order=tuple(convention.order[index] for index in order)),
        order_accuracy=float(reordered.mean()),
        order=order,
        losses=cross_entropies(logits, labels),
        fitted=cross_entropies(logits / fitted_temperature(logits, labels), labels),
        is_correct=reordered if is_other else in_place,
        in_place=in_place,
    )


def z_of(gaps: np.ndarray) -> float:
    """Return the mean of gaps image by image in standard deviations of it; 0 if all are 0."""
    norm = float(np.sqrt((gaps**2).sum()))
    return float(gaps.sum()) / norm if norm else 0.0


def cross_entropies(logits: np.ndarray, labels: Labels) -> np.ndarray:
    """Return the cross-entropy of each image in nats."""
    p_label = softmax(logits)[np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.maximum(p_label, np.finfo(np.float32).tiny)))


def fitted_temperature(logits: np.ndarray, labels: Labels) -> float:
    """Find the temperature with the least cross-entropy, in a wider range than calibration."""
    low, high = (float(np.log(bound)) for bound in TEMPERATURES)
    for _ in range(20):
        middle = (low + high) / 2
        is_too_soft = loss_slope(logits, labels, np.exp(-middle)) < 0
        low, high = (low, middle) if is_too_soft else (middle, high)
    return float(np.exp((low + high) / 2))
