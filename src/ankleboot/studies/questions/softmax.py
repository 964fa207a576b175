"""Softmax, worked through on one image of the shipped model."""

from dataclasses import replace
from functools import partial

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.studies.claims import mean_between
from ankleboot.studies.questions.base import SHIPPED
from ankleboot.studies.results import StudyResults
from ankleboot.studies.study import Chart, Claim, PlainAnswer, Study

EXACT = 1e-5
"""Tolerance of an equality: float32 has seven digits."""
ROUNDED = 1e-4
"""Tolerance of a sum of the stored probabilities, which have six decimals."""


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the probabilities of an example, overflow, and the gradient."""
    value = partial(results.first_value, SHIPPED.name)
    logits, probs, names = value("logits"), value("probs"), value("class_names")
    best, second = np.argsort(-np.array(probs), kind="stable")[:2]
    bits = dict(zip(value("temperatures"), value("entropy_bits"), strict=True))
    cold, warm = min(bits), max(bits)
    first = (
        f"The scores (logits) {logits[best]:.2f} for {names[best]} and {logits[second]:.2f} for "
        f"{names[second]} become {100 * probs[best]:.1f} % and {100 * probs[second]:.1f} %. Their "
        f"ratio is {probs[best] / probs[second]:.2f}, which is e to the power of the difference of "
        f"the scores. The result by hand is {_holds(results, 'by_hand_error', 'that of Keras')}. "
        f"The uncertainty is {bits[1.0]:.2f} bits. At a temperature of {cold:g} it is "
        f"{bits[cold]:.2f} bits and at {warm:g} it is {bits[warm]:.2f} bits, and the answer "
        f"{'stays the same' if value('same_answer') else 'changes'}."
    )
    changed = value("constant_error")
    by = f"changes the probabilities by {changed:.1e}" if changed else "changes no probability"
    overflow = (
        f"Adding 1,000 to all scores {by} if the largest score is subtracted first. The plain "
        f"formula gives {'a' if value('naive_is_finite') else 'no'} number then. With float32 it "
        f"fails from a score of {value('naive_limit')} on."
    )
    loss = (
        "The gradient of the cross-entropy by the scores is the probabilities less the truth. It "
        f"is {_holds(results, 'gradient_error', 'that of central differences')}. The loss "
        f"with one-hot labels is {_holds(results, 'labels_error', 'that with whole numbers')}."
    )
    return first, overflow, loss


def _is_distribution(results: StudyResults) -> bool:
    """Check that the probabilities are positive, add up to 1, and keep the order of the scores."""
    logits, probs = (np.array(results.first_value(SHIPPED.name, k)) for k in ("logits", "probs"))
    order = np.array_equal(np.argsort(logits, kind="stable"), np.argsort(probs, kind="stable"))
    return bool((probs > 0).all()) and abs(probs.sum() - 1) < ROUNDED and order


def _only_differences_count(results: StudyResults) -> bool:
    return bool(results.first_value(SHIPPED.name, "constant_error") <= EXACT)


def _needs_the_largest_score(results: StudyResults) -> bool:
    value = partial(results.first_value, SHIPPED.name)
    return not value("naive_is_finite") and value("naive_limit") < 100


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
            "The image",
            {row: [unpack_array(value("image"))]},
            {row: [f"predicted {value('said')}"]},
        ),
        *(Chart(title, partial(plots.bars, names, *drawn)) for title, drawn in bars.items()),
        Chart(
            "Probabilities by temperature",
            partial(plots.curves_with_range, temperatures, by_temperature, *labels, log_x=True),
        ),
    )


VARIANTS = (replace(SHIPPED, measures=("softmax:measure_softmax",)),)

PLAIN_ANSWER = PlainAnswer(
    sentences=(
        "Softmax makes probabilities of scores: positive numbers that add up to 1.",
        "Only the differences between the scores count: adding the same number to all of them "
        "changes nothing.",
        "A computer subtracts the largest score first, because the plain formula fails for scores "
        "near 100.",
    ),
    claims=(
        Claim("probabilities are positive, add up to 1 and keep the order", _is_distribution),
        Claim("a constant added to all scores changes nothing", _only_differences_count),
        Claim("the plain formula fails below a score of 100", _needs_the_largest_score),
        mean_between(SHIPPED.name, "by_hand_error", 0.0, EXACT),
        mean_between(SHIPPED.name, "gradient_error", 0.0, EXACT),
        mean_between(SHIPPED.name, "labels_error", 0.0, EXACT),
    ),
    figure=2,
    caption="Probabilities that softmax makes of the ten scores of one image.",
    caveats=(
        "This is one image and one network, worked through by hand. The three facts hold for any "
        "scores, because they follow from the formula.",
        "A probability of 70 % is not a promise that 70 of 100 such answers are right. That has to "
        "be measured on new images: see calibration in `ankleboot evaluate`.",
    ),
)

STUDY = Study(
    name="softmax",
    question="How does the softmax work?",
    hypothesis=(
        "Differences of scores become ratios of probabilities. A constant added to all changes "
        "nothing on paper and breaks the plain formula in a computer. With the cross-entropy the "
        "gradient is the probabilities less the truth."
    ),
    variants=VARIANTS,
    quick=VARIANTS,
    measures=("accuracy:measure_accuracy",),
    columns=("accuracy", "ece"),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot evaluate pocket  # how far the probabilities can be relied on",
        "ankleboot train plain --set label_smoothing=0.1  # labels that are not quite certain",
        "ankleboot export pocket --format playground  # move the scores and the temperature",
    ),
    plain=PLAIN_ANSWER,
    seeds=1,
    minutes=0.5,
)
