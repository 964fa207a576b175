"""How the softmax works, worked through on one image of the shipped model."""

from ankleboot.recipes.catalog import POCKET
from ankleboot.studies.charts import Bars, Curves, Tiles
from ankleboot.studies.packing import unpacked
from ankleboot.studies.results import StudyResults
from ankleboot.studies.study import Chart, Study, Variant

SHIPPED = "shipped"
EXACT = 1e-5
"""What a property may miss by: float32 has seven digits."""


def answer(found: StudyResults) -> tuple[str, str, str]:
    """From logits to probabilities; overflow; the gradient and labels."""
    logits: list[float] = found.first(SHIPPED, "logits")
    probs: list[float] = found.first(SHIPPED, "probs")
    names: list[str] = found.first(SHIPPED, "class_names")
    best, second = sorted(range(len(probs)), key=lambda place: -probs[place])[:2]
    bits = dict(
        zip(found.first(SHIPPED, "temperatures"), found.first(SHIPPED, "entropy_bits"), strict=True)
    )
    cold, warm = min(bits), max(bits)
    kept = (
        "and the answer stays the same"
        if found.first(SHIPPED, "same_answer")
        else "and the answer changes"
    )
    first = (
        f"The logits {logits[best]:.2f} ({names[best]}) and {logits[second]:.2f} ({names[second]}) "
        f"become {100 * probs[best]:.1f} and {100 * probs[second]:.1f} %, e to the power of their "
        f"difference being {probs[best] / probs[second]:.2f}; by hand it is "
        f"{_holds(found, 'by_hand_error', 'what Keras says')}; divided by a temperature of "
        f"{cold:g} or {warm:g} the same logits are undecided by {bits[cold]:.2f} or "
        f"{bits[warm]:.2f} bits instead of {bits[1.0]:.2f}, {kept}."
    )
    finite = "a number" if found.first(SHIPPED, "naive_is_finite") else "no number"
    changed = found.first(SHIPPED, "constant_error")
    by = f"the probabilities by {changed:.1e}" if changed else "nothing in the probabilities"
    overflow = (
        f"Adding 1,000 to all logits changes {by} if the largest logit is taken off first, "
        f"but the formula as it stands gives {finite} in float32, and none from a logit of "
        f"{found.first(SHIPPED, 'naive_limit')} on."
    )
    loss = (
        "The gradient of the cross-entropy by the logits, probabilities less the one-hot truth, is "
        f"{_holds(found, 'gradient_error', 'that of central differences')}, and the loss "
        f"with one-hot labels is {_holds(found, 'labels_error', 'that with whole numbers')}."
    )
    return first, overflow, loss


def _holds(found: StudyResults, key: str, what: str) -> str:
    """Whether a property holds on the numbers, with the largest deviation."""
    error = found.mean(SHIPPED, key)
    word = "equal to" if error <= EXACT else "NOT equal to"
    return f"{word} {what} (within {error:.1e})"


def charts(found: StudyResults) -> tuple[Chart, ...]:
    """The image, logits, probabilities, temperatures."""
    names: list[str] = found.first(SHIPPED, "class_names")
    temperatures = found.first(SHIPPED, "temperatures")
    by_temperature = found.first(SHIPPED, "probs_by_temperature")
    probs: list[float] = found.first(SHIPPED, "probs")
    best = sorted(range(len(probs)), key=lambda place: -probs[place])[:4]
    label, said = found.first(SHIPPED, "label"), found.first(SHIPPED, "said")
    import numpy as np

    return (
        Tiles(
            "The image",
            {f"label {label}": [unpacked(found.first(SHIPPED, "image"))]},
            {f"label {label}": [f"said {said}"]},
        ),
        Bars("Logits", names, found.first(SHIPPED, "logits"), "logit"),
        Bars("Probabilities", names, [100 * one for one in probs], "probability in %"),
        Bars(
            "Gradient of the loss by the logits: what the step will push up is negative",
            names,
            found.first(SHIPPED, "gradient"),
            "probability less truth",
        ),
        Curves(
            "Probabilities by temperature",
            {names[place]: temperatures for place in best},
            {
                names[place]: 100 * np.array([[one[place] for one in by_temperature]])
                for place in best
            },
            "temperature",
            "probability in %",
            log_x=True,
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
        Variant(name=SHIPPED, recipe=POCKET, shipped=True, once=True, measures=("softmax",)),
    ),
    quick=(Variant(name=SHIPPED, recipe=POCKET, shipped=True, once=True, measures=("softmax",)),),
    measures=("answers",),
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
