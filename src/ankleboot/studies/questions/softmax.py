"""Softmax, worked through on one image of the shipped model."""

from functools import partial

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.recipes.catalog import POCKET
from ankleboot.studies.results import StudyResults
from ankleboot.studies.study import Chart, Study, Variant

SHIPPED = "shipped"
EXACT = 1e-5
"""Tolerance of an equality: float32 has seven digits."""


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the probabilities of an example, overflow, and the gradient."""
    logits: list[float] = results.first_value(SHIPPED, "logits")
    probs: list[float] = results.first_value(SHIPPED, "probs")
    names: list[str] = results.first_value(SHIPPED, "class_names")
    best, second = sorted(range(len(probs)), key=lambda index: -probs[index])[:2]
    bits = dict(
        zip(
            results.first_value(SHIPPED, "temperatures"),
            results.first_value(SHIPPED, "entropy_bits"),
            strict=True,
        )
    )
    cold, warm = min(bits), max(bits)
    kept = (
        "and the answer stays the same"
        if results.first_value(SHIPPED, "same_answer")
        else "and the answer changes"
    )
    first = (
        f"The logits {logits[best]:.2f} ({names[best]}) and {logits[second]:.2f} ({names[second]}) "
        f"become {100 * probs[best]:.1f} and {100 * probs[second]:.1f} %, e to the power of their "
        f"difference being {probs[best] / probs[second]:.2f}; by hand it is "
        f"{_holds(results, 'by_hand_error', 'what Keras says')}; divided by a temperature of "
        f"{cold:g} or {warm:g} the same logits are undecided by {bits[cold]:.2f} or "
        f"{bits[warm]:.2f} bits instead of {bits[1.0]:.2f}, {kept}."
    )
    finite = "a number" if results.first_value(SHIPPED, "naive_is_finite") else "no number"
    changed = results.first_value(SHIPPED, "constant_error")
    by = f"the probabilities by {changed:.1e}" if changed else "nothing in the probabilities"
    overflow = (
        f"Adding 1,000 to all logits changes {by} if the largest logit is taken off first, "
        f"but the formula as it stands gives {finite} in float32, and none from a logit of "
        f"{results.first_value(SHIPPED, 'naive_limit')} on."
    )
    loss = (
        "The gradient of the cross-entropy by the logits, probabilities less the one-hot truth, is "
        f"{_holds(results, 'gradient_error', 'that of central differences')}, and the loss "
        f"with one-hot labels is {_holds(results, 'labels_error', 'that with whole numbers')}."
    )
    return first, overflow, loss


def _holds(results: StudyResults, key: str, expected: str) -> str:
    """State whether an equality holds, with the largest deviation."""
    error = results.mean(SHIPPED, key)
    word = "equal to" if error <= EXACT else "NOT equal to"
    return f"{word} {expected} (within {error:.1e})"


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot the image, logits, probabilities, gradient and temperatures."""
    from ankleboot.evaluation import plots

    names: list[str] = results.first_value(SHIPPED, "class_names")
    temperatures = results.first_value(SHIPPED, "temperatures")
    by_temperature = results.first_value(SHIPPED, "probs_by_temperature")
    probs: list[float] = results.first_value(SHIPPED, "probs")
    best = sorted(range(len(probs)), key=lambda index: -probs[index])[:4]
    label, predicted = results.first_value(SHIPPED, "label"), results.first_value(SHIPPED, "said")
    return (
        Chart(
            "The image",
            partial(
                plots.image_rows,
                {f"label {label}": [unpack_array(results.first_value(SHIPPED, "image"))]},
                {f"label {label}": [f"said {predicted}"]},
            ),
            has_pixels=True,
        ),
        Chart(
            "Logits", partial(plots.bars, names, results.first_value(SHIPPED, "logits"), "logit")
        ),
        Chart(
            "Probabilities",
            partial(plots.bars, names, [100 * prob for prob in probs], "probability in %"),
        ),
        Chart(
            "Gradient of the loss by the logits: what the step will push up is negative",
            partial(
                plots.bars,
                names,
                results.first_value(SHIPPED, "gradient"),
                "probability less truth",
            ),
        ),
        Chart(
            "Probabilities by temperature",
            partial(
                plots.curves_with_range,
                {names[index]: temperatures for index in best},
                {
                    names[index]: 100
                    * np.array([[probs_row[index] for probs_row in by_temperature]])
                    for index in best
                },
                "temperature",
                "probability in %",
                log_x=True,
            ),
        ),
    )


STUDY = Study(
    name="softmax",
    question="How does the softmax work?",
    hypothesis=(
        "Differences of logits become ratios of probabilities; a constant added to all changes "
        "nothing on paper and breaks the naive formula in a computer; with the cross-entropy its "
        "gradient is just probabilities less truth."
    ),
    variants=(
        Variant(
            name=SHIPPED,
            recipe=POCKET,
            shipped=True,
            once=True,
            measures=("softmax:measure_softmax",),
        ),
    ),
    quick=(
        Variant(
            name=SHIPPED,
            recipe=POCKET,
            shipped=True,
            once=True,
            measures=("softmax:measure_softmax",),
        ),
    ),
    measures=("accuracy:measure_accuracy",),
    comparisons=(),
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
