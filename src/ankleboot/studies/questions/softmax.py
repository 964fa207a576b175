"""Softmax, worked through on one image of the shipped model."""

from dataclasses import replace
from functools import partial

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.studies.questions.base import SHIPPED
from ankleboot.studies.results import StudyResults
from ankleboot.studies.study import Chart, Study

EXACT = 1e-5
"""Tolerance of an equality: float32 has seven digits."""


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the probabilities of an example, overflow, and the gradient."""
    value = partial(results.first_value, SHIPPED.name)
    logits, probs, names = value("logits"), value("probs"), value("class_names")
    best, second = np.argsort(-np.array(probs), kind="stable")[:2]
    bits = dict(zip(value("temperatures"), value("entropy_bits"), strict=True))
    cold, warm = min(bits), max(bits)
    first = (
        f"The logits {logits[best]:.2f} ({names[best]}) and {logits[second]:.2f} ({names[second]}) "
        f"become {100 * probs[best]:.1f} and {100 * probs[second]:.1f} %, e to the power of their "
        f"difference being {probs[best] / probs[second]:.2f}; by hand it is "
        f"{_holds(results, 'by_hand_error', 'what Keras says')}; divided by a temperature of "
        f"{cold:g} or {warm:g} the same logits are undecided by {bits[cold]:.2f} or "
        f"{bits[warm]:.2f} bits instead of {bits[1.0]:.2f}, and the answer "
        f"{'stays the same' if value('same_answer') else 'changes'}."
    )
    changed = value("constant_error")
    by = f"the probabilities by {changed:.1e}" if changed else "nothing in the probabilities"
    overflow = (
        f"Adding 1,000 to all logits changes {by} if the largest logit is taken off first, "
        f"but the formula as it stands gives {'a' if value('naive_is_finite') else 'no'} number in "
        f"float32, and none from a logit of {value('naive_limit')} on."
    )
    loss = (
        "The gradient of the cross-entropy by the logits, probabilities less the one-hot truth, is "
        f"{_holds(results, 'gradient_error', 'that of central differences')}, and the loss "
        f"with one-hot labels is {_holds(results, 'labels_error', 'that with whole numbers')}."
    )
    return first, overflow, loss


def _holds(results: StudyResults, key: str, expected: str) -> str:
    """State whether an equality holds, with the largest deviation."""
    error = results.mean(SHIPPED.name, key)
    return f"{'equal to' if error <= EXACT else 'NOT equal to'} {expected} (within {error:.1e})"


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot the image, logits, probabilities, gradient and temperatures."""
    from ankleboot.evaluation import plots
    from ankleboot.studies.charts import image_rows

    value = partial(results.first_value, SHIPPED.name)
    names, probs, row = value("class_names"), value("probs"), f"label {value('label')}"
    bars = {
        "Logits": (value("logits"), "logit"),
        "Probabilities": ([100 * prob for prob in probs], "probability in %"),
        "Gradient of the loss by the logits: what the step will push up is negative": (
            value("gradient"),
            "probability less truth",
        ),
    }
    best = np.argsort(-np.array(probs), kind="stable")[:4]
    by_temperature = {
        names[index]: 100 * np.array(value("probs_by_temperature")).T[[index]] for index in best
    }
    temperatures = dict.fromkeys(by_temperature, value("temperatures"))
    labels = "temperature", "probability in %"
    return (
        image_rows(
            "The image", {row: [unpack_array(value("image"))]}, {row: [f"said {value('said')}"]}
        ),
        *(Chart(title, partial(plots.bars, names, *drawn)) for title, drawn in bars.items()),
        Chart(
            "Probabilities by temperature",
            partial(plots.curves_with_range, temperatures, by_temperature, *labels, log_x=True),
        ),
    )


VARIANTS = (replace(SHIPPED, measures=("softmax:measure_softmax",)),)

STUDY = Study(
    name="softmax",
    question="How does the softmax work?",
    hypothesis=(
        "Differences of logits become ratios of probabilities; a constant added to all changes "
        "nothing on paper and breaks the naive formula in a computer; with the cross-entropy its "
        "gradient is just probabilities less truth."
    ),
    variants=VARIANTS,
    quick=VARIANTS,
    measures=("accuracy:measure_accuracy",),
    columns=("accuracy", "ece"),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot evaluate pretrained           # calibration: the temperature that was fitted",
        "ankleboot train plain --set label_smoothing=0.1",
        "ankleboot export pretrained --format litert",
    ),
    seeds=1,
    minutes=0.5,
)
