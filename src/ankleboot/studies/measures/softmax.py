"""Properties of softmax and cross-entropy on one image, each as a number."""

from typing import Any

import numpy as np
from keras.losses import categorical_crossentropy, sparse_categorical_crossentropy

from ankleboot.core.types import Labels, one_hot, pack_array, to_inputs
from ankleboot.models.files import calibration
from ankleboot.studies.measures.trained_run import TrainedRun, part_of

CONFIDENCE = 0.7  # of the example image
TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
CONSTANT = 1_000.0
STEP = 1e-5  # of central differences
NUM_IMAGES = 1_000


def measure_softmax(trained: TrainedRun) -> dict[str, Any]:
    """Measure invariance, temperatures, overflow, gradient and both kinds of labels."""
    part, names, softmax = trained.validation, trained.data.class_names, calibration.softmax
    index = int(np.abs(trained.probs.max(axis=1) - CONFIDENCE).argmin())
    label = int(part.labels[index])
    outlet = part_of(trained.model, "logits")
    logits = np.asarray(outlet(to_inputs(part.images[index : index + 1]), training=False))[0]
    exact = logits.astype(np.float64)
    probs = softmax(exact)
    by_temperature = np.stack([softmax(exact / temperature) for temperature in TEMPERATURES])
    many = np.asarray(outlet(to_inputs(part.images[:NUM_IMAGES]), training=False))
    return {
        "image": pack_array(part.images[index]),
        "label": names[label],
        "said": names[int(exact.argmax())],
        "class_names": list(names),
        "logits": exact.round(4).tolist(),
        "probs": probs.round(6).tolist(),
        "by_hand_error": float(np.abs(probs - trained.probs[index]).max()),
        "constant_error": float(np.abs(softmax(exact + CONSTANT) - probs).max()),
        "naive_is_finite": bool(np.isfinite(naive_softmax(logits + np.float32(CONSTANT))).all()),
        "naive_limit": naive_overflow_logit(),
        "temperatures": list(TEMPERATURES),
        "probs_by_temperature": by_temperature.round(6).tolist(),
        "entropy_bits": [entropy_bits(row) for row in by_temperature],
        "same_answer": bool((by_temperature.argmax(axis=1) == exact.argmax()).all()),
        "gradient": analytic_gradient(exact, label).round(6).tolist(),
        "gradient_error": gradient_error(exact, label),
        "labels_error": labels_error(many, part.labels[:NUM_IMAGES]),
    }


def naive_softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax by its textbook formula, which overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        raised = np.exp(logits)
        probs: np.ndarray = raised / raised.sum()
    return probs


def naive_overflow_logit() -> int:
    """Return the smallest whole logit for which the textbook formula overflows in float32."""
    limit = 1
    while np.isfinite(naive_softmax(np.array([limit, 0], np.float32))).all():
        limit += 1
    return limit


def entropy_bits(probs: np.ndarray) -> float:
    """Return the entropy in bits: 0 for a certain prediction, 3.32 for ten equal ones."""
    positive = probs[probs > 0]
    return float(-(positive * np.log2(positive)).sum())


def cross_entropy(logits: np.ndarray, label: int) -> float:
    """Return the cross-entropy of one image from its logits."""
    highest = logits.max()
    return float(highest + np.log(np.exp(logits - highest).sum()) - logits[label])


def analytic_gradient(logits: np.ndarray, label: int) -> np.ndarray:
    """Return the gradient of the cross-entropy: probabilities less the one-hot label."""
    gradient: np.ndarray = calibration.softmax(logits) - np.eye(len(logits))[label]
    return gradient


def gradient_error(logits: np.ndarray, label: int) -> float:
    """Return the largest difference between the formula and central differences."""
    numeric = [
        (cross_entropy(logits + step, label) - cross_entropy(logits - step, label)) / (2 * STEP)
        for step in STEP * np.eye(len(logits))
    ]
    return float(np.abs(np.array(numeric) - analytic_gradient(logits, label)).max())


def labels_error(logits: np.ndarray, labels: Labels) -> float:
    """Return the largest difference of Keras' losses for one-hot and integer labels."""
    dense = categorical_crossentropy(one_hot(labels, logits.shape[1]), logits, from_logits=True)
    sparse = sparse_categorical_crossentropy(labels.astype(np.int32), logits, from_logits=True)
    return float(np.abs(np.asarray(dense) - np.asarray(sparse)).max())
