"""Examination of a foreign model on labeled images: input convention, outputs and class order.

A convention is chosen only where it is far ahead of all others; otherwise the error asks for what
images cannot tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.types import Images, Labels, Probs
from ankleboot.models.foreign.assignment import best_assignment
from ankleboot.models.foreign.candidates import Signature
from ankleboot.models.foreign.convention import Convention

SUM_TOLERANCE = 0.02  # of the sum of probabilities; a quantized model rounds each to 1/256
MIN_LEAD = 0.01  # of accuracy, as a fraction of the images
MIN_Z = 3.0  # standard deviations of the lead, image by image
MIN_LOSS_Z = 4.0  # of the lead in cross-entropy, where the accuracies are nearly equal ...
MIN_ERRORS = 20  # ... and a scale that is too large has errors to be sure of
MIN_ORDER_LEAD = 0.2  # of accuracy, from which on another class order is believed
MIN_SKILL, MIN_ORDER_SKILL = 0.2, 0.4  # accuracy above chance, 1 is perfect

Predict = Callable[[np.ndarray], np.ndarray]
"""Raw outputs (n, outputs) of a model for its inputs."""


@dataclass(frozen=True)
class Trial:
    """A candidate convention with its accuracy on labeled images.

    Attributes:
        accuracy: With the labels in the order of the outputs.
        order_accuracy: With the outputs assigned to the labels that they fit best.
        order: That assignment; the order of the outputs if it is not clearly another.
        losses: Cross-entropy of each image in nats, with `order`.
        is_correct: Whether each image is predicted correctly, with `order`.
    """

    convention: Convention
    accuracy: float
    order_accuracy: float
    order: tuple[int, ...]
    losses: np.ndarray
    is_correct: np.ndarray

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return float(self.losses.mean())

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
        trials.append(_try(tried, tried.probs(values), labels, may_reorder=order is None))
    return sorted(trials, key=lambda trial: (-trial.best, trial.loss))


def _try(convention: Convention, probs: Probs, labels: Labels, *, may_reorder: bool) -> Trial:
    predicted, num = probs.argmax(axis=1), probs.shape[1]
    accuracy = float((predicted == labels).mean())
    matrix = np.bincount(labels.astype(int) * num + predicted, minlength=num * num)
    matrix = matrix.reshape(num, num)
    assigned = best_assignment(matrix)
    order_accuracy = float(matrix[np.arange(num), list(assigned)].sum() / len(labels))
    is_other = may_reorder and order_accuracy - accuracy >= MIN_ORDER_LEAD
    order = assigned if is_other else tuple(range(num))
    in_order = probs[:, list(order)]
    p_label = in_order[np.arange(len(labels)), labels].astype(np.float64)
    losses = -np.log(np.maximum(p_label, np.finfo(np.float32).tiny))
    is_correct = in_order.argmax(axis=1) == labels
    composed = tuple(convention.order[index] for index in order)
    return Trial(
        replace(convention, order=composed), accuracy, order_accuracy, order, losses, is_correct
    )


def choose(trials: Sequence[Trial], labels: Labels, *, is_named: bool) -> Trial:
    """Return the candidate that is far ahead of the others.

    Args:
        trials: Candidates, the best first.
        labels: Labels of the images.
        is_named: Whether the user named the input and the labels, so that nothing is guessed.

    Raises:
        UsageError: If none is far ahead, or none is plausible; the message asks for the option.
    """
    best = trials[0]
    if is_named:
        return best
    num_classes = len(best.order)
    chance = 1 / num_classes
    is_reordered = best.order != tuple(range(num_classes))
    skill = (best.best - chance) / (1 - chance)
    if skill < (MIN_ORDER_SKILL if is_reordered else MIN_SKILL):
        tried = ", ".join(dict.fromkeys(trial.convention.scaling for trial in trials))
        raise UsageError(
            f"no convention fits these images: the best of {tried} is right on "
            f"{100 * best.best:.0f} % of {len(labels):,}; name the data that the model learned "
            "with --data, or both --input and --labels"
        )
    best = _winner(trials)
    if is_reordered and not _is_clear(best, labels):
        raise UsageError(
            f"the class order is unclear: outputs fit the labels in another order on "
            f"{100 * best.best:.0f} % of the images, in their own on {100 * best.accuracy:.0f} %; "
            "name the labels in the order of the outputs with --labels"
        )
    return best


def _describe(trial: Trial) -> str:
    fit = "" if trial.convention.fit == "same" else f" {trial.convention.fit}"
    return f"{trial.convention.scaling}{fit} ({100 * trial.best:.1f} %)"


def _winner(trials: Sequence[Trial]) -> Trial:
    """Return the candidate that is ahead of all others in accuracy, or else in cross-entropy."""
    leader, *others = trials
    near = [leader, *(other for other in others if not _is_ahead(leader, other))]
    best = min(near, key=lambda trial: trial.loss)
    num_images, num_errors = len(best.losses), int((~best.is_correct).sum())
    for other in near:
        gap = other.losses - best.losses
        z = float(gap.mean() / max(gap.std(), 1e-12)) * num_images**0.5
        if other is not best and (num_errors < MIN_ERRORS or z < MIN_LOSS_Z):
            raise UsageError(
                f"the inputs {_describe(best)} and {_describe(other)} cannot be told apart on "
                f"{num_images:,} images; name the right one with --input"
            )
    return best


def _is_ahead(first: Trial, second: Trial) -> bool:
    """Check if the first is clearly more accurate than the second, image by image."""
    only_first = int((first.is_correct & ~second.is_correct).sum())
    only_second = int((second.is_correct & ~first.is_correct).sum())
    z = (only_first - only_second) / max(only_first + only_second, 1) ** 0.5
    return first.best - second.best >= MIN_LEAD and z >= MIN_Z


def _is_clear(best: Trial, labels: Labels) -> bool:
    """Check that every class is right more often than not in the new order."""
    classes = np.unique(labels)
    recalls = [best.is_correct[labels == label].mean() for label in classes]
    return len(classes) == len(best.order) and float(np.mean(np.array(recalls) > 0.5)) >= 0.8
