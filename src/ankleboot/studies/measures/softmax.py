"""The last two layers, worked through on one image: every property as a number."""

from typing import Any

import keras
import numpy as np

from ankleboot.core.types import Labels, one_hot, to_inputs
from ankleboot.studies.measures.trained_run import TrainedRun
from ankleboot.studies.packing import packed

CONFIDENCE = 0.7  # of the image that is worked through: neither certain nor lost
TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
CONSTANT = 1_000.0
STEP = 1e-5  # of the central differences
NUM_IMAGES = 1_000


def softmax(trained: TrainedRun) -> dict[str, Any]:
    """By hand, a constant added, temperatures, overflow, the gradient, two kinds of labels."""
    probs, labels = trained.probs, trained.part.labels
    index = int(np.abs(probs.max(axis=1) - CONFIDENCE).argmin())
    image, label = trained.part.images[index : index + 1], int(labels[index])
    outlet = keras.Model(trained.model.inputs[0], trained.model.get_layer("logits").output)
    logits = np.asarray(outlet(to_inputs(image), training=False))[0]
    exact = logits.astype(np.float64)
    by_temperature = np.stack([stable(exact / one) for one in TEMPERATURES])
    some = slice(0, NUM_IMAGES)
    many = np.asarray(outlet(to_inputs(trained.part.images[some]), training=False))
    return {
        "image": packed(image[0]),
        "label": trained.data.class_names[label],
        "said": trained.data.class_names[int(exact.argmax())],
        "class_names": list(trained.data.class_names),
        "logits": exact.round(4).tolist(),
        "probs": stable(exact).round(6).tolist(),
        "by_hand_error": float(np.abs(stable(exact) - probs[index]).max()),
        "constant_error": float(np.abs(stable(exact + CONSTANT) - stable(exact)).max()),
        "naive_is_finite": bool(np.isfinite(naive(logits + np.float32(CONSTANT))).all()),
        "naive_limit": naive_limit(),
        "temperatures": list(TEMPERATURES),
        "probs_by_temperature": by_temperature.round(6).tolist(),
        "entropy_bits": [entropy_bits(one) for one in by_temperature],
        "same_answer": bool((by_temperature.argmax(axis=1) == exact.argmax()).all()),
        "gradient": analytic_gradient(exact, label).round(6).tolist(),
        "gradient_error": gradient_error(exact, label),
        "labels_error": labels_error(many, labels[some]),
    }


def stable(logits: np.ndarray) -> np.ndarray:
    """The softmax, with the largest logit taken off first."""
    raised = np.exp(logits - logits.max())
    probs: np.ndarray = raised / raised.sum()
    return probs


def naive(logits: np.ndarray) -> np.ndarray:
    """The softmax as it is written in books."""
    with np.errstate(over="ignore", invalid="ignore"):
        raised = np.exp(logits)
        probs: np.ndarray = raised / raised.sum()
    return probs


def naive_limit() -> int:
    """The smallest whole logit, in float32, for which the naive formula gives no number."""
    limit = 1
    while np.isfinite(naive(np.array([limit, 0], np.float32))).all():
        limit += 1
    return limit


def entropy_bits(probs: np.ndarray) -> float:
    """How undecided: 0 for a certain answer, 3.32 for ten equal ones."""
    positive = probs[probs > 0]
    return float(-(positive * np.log2(positive)).sum())


def cross_entropy(logits: np.ndarray, label: int) -> float:
    """Of one image, from its logits."""
    highest = logits.max()
    return float(highest + np.log(np.exp(logits - highest).sum()) - logits[label])


def analytic_gradient(logits: np.ndarray, label: int) -> np.ndarray:
    """Of the cross-entropy by the logits: probabilities less the one-hot truth."""
    gradient = stable(logits)
    gradient[label] -= 1
    return gradient


def gradient_error(logits: np.ndarray, label: int) -> float:
    """The largest difference between the formula and central differences."""
    steps = STEP * np.eye(len(logits))
    numeric = [
        (cross_entropy(logits + step, label) - cross_entropy(logits - step, label)) / (2 * STEP)
        for step in steps
    ]
    return float(np.abs(np.array(numeric) - analytic_gradient(logits, label)).max())


def labels_error(logits: np.ndarray, labels: Labels) -> float:
    """The largest difference of Keras' two losses: one-hot rows against whole numbers."""
    rows = one_hot(labels, logits.shape[1])
    dense = keras.losses.categorical_crossentropy(rows, logits, from_logits=True)
    sparse = keras.losses.sparse_categorical_crossentropy(
        labels.astype(np.int32), logits, from_logits=True
    )
    return float(np.abs(np.asarray(dense) - np.asarray(sparse)).max())
