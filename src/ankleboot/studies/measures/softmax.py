"""Properties of softmax and cross-entropy on one image, each as a number."""

from typing import Any

import keras
import numpy as np

from ankleboot.core.types import Labels, one_hot, pack_array, to_inputs
from ankleboot.models.files import calibration
from ankleboot.studies.measures.trained_run import TrainedRun

CONFIDENCE = 0.7  # of the example image
TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
CONSTANT = 1_000.0
STEP = 1e-5  # of central differences
NUM_IMAGES = 1_000


def measure_softmax(trained: TrainedRun) -> dict[str, Any]:
    """Measure invariance, temperatures, overflow, gradient and both kinds of labels."""
    probs, labels = trained.probs, trained.validation.labels
    index = int(np.abs(probs.max(axis=1) - CONFIDENCE).argmin())
    image, label = trained.validation.images[index : index + 1], int(labels[index])
    outlet = keras.Model(trained.model.inputs[0], trained.model.get_layer("logits").output)
    logits = np.asarray(outlet(to_inputs(image), training=False))[0]
    exact = logits.astype(np.float64)
    by_temperature = np.stack(
        [calibration.softmax(exact / temperature) for temperature in TEMPERATURES]
    )
    some = slice(0, NUM_IMAGES)
    many = np.asarray(outlet(to_inputs(trained.validation.images[some]), training=False))
    return {
        "image": pack_array(image[0]),
        "label": trained.data.class_names[label],
        "said": trained.data.class_names[int(exact.argmax())],
        "class_names": list(trained.data.class_names),
        "logits": exact.round(4).tolist(),
        "probs": calibration.softmax(exact).round(6).tolist(),
        "by_hand_error": float(np.abs(calibration.softmax(exact) - probs[index]).max()),
        "constant_error": float(
            np.abs(calibration.softmax(exact + CONSTANT) - calibration.softmax(exact)).max()
        ),
        "naive_is_finite": bool(np.isfinite(naive_softmax(logits + np.float32(CONSTANT))).all()),
        "naive_limit": naive_overflow_logit(),
        "temperatures": list(TEMPERATURES),
        "probs_by_temperature": by_temperature.round(6).tolist(),
        "entropy_bits": [entropy_bits(probs_row) for probs_row in by_temperature],
        "same_answer": bool((by_temperature.argmax(axis=1) == exact.argmax()).all()),
        "gradient": analytic_gradient(exact, label).round(6).tolist(),
        "gradient_error": gradient_error(exact, label),
        "labels_error": labels_error(many, labels[some]),
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
    gradient = calibration.softmax(logits)
    gradient[label] -= 1
    return gradient


def gradient_error(logits: np.ndarray, label: int) -> float:
    """Return the largest difference between the formula and central differences."""
    steps = STEP * np.eye(len(logits))
    numeric = [
        (cross_entropy(logits + step, label) - cross_entropy(logits - step, label)) / (2 * STEP)
        for step in steps
    ]
    return float(np.abs(np.array(numeric) - analytic_gradient(logits, label)).max())


def labels_error(logits: np.ndarray, labels: Labels) -> float:
    """Return the largest difference of Keras' losses for one-hot and integer labels."""
    rows = one_hot(labels, logits.shape[1])
    dense = keras.losses.categorical_crossentropy(rows, logits, from_logits=True)
    sparse = keras.losses.sparse_categorical_crossentropy(
        labels.astype(np.int32), logits, from_logits=True
    )
    return float(np.abs(np.asarray(dense) - np.asarray(sparse)).max())
