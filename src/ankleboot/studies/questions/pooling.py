"""Pooling: maximum, average, strided convolution, or none."""

from dataclasses import replace

from ankleboot.studies.claims import (
    leads_throughout,
    mean_between,
    outcome,
    ratio_between,
    trained_with,
)
from ankleboot.studies.questions.base import DEEP_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and
from ankleboot.studies.study import Chart, Comparison, PlainAnswer, Study, Variant

POOLINGS = ("max", "average", "strided", "none")
WORDS = {
    "max": "max pooling",
    "average": "average pooling",
    "strided": "strided convolution",
    "none": "no pooling",
}


def _variants(epochs: int) -> tuple[Variant, ...]:
    return tuple(
        Variant(name=pooling, recipe=replace(DEEP_CNN, pooling=pooling, epochs=epochs))
        for pooling in POOLINGS
    )


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State accuracy, robustness to shifts, cost and receptive field."""
    name = WORDS.__getitem__
    kept = join_and([f"{results.show(p, 'unchanged')} with {name(p)}" for p in results.variants])
    shifts = (
        f"Shifted by one pixel, these shares of the images keep their answer: {kept}. "
        f"{describe_differences(results.comparisons_in('shifted_accuracy'), name)}"
    )
    price = (
        f"All four networks have the same {results.show('max', 'parameters')} parameters. Without "
        f"pooling, {_training_time(results)}the maps take "
        f"{results.ratio('none', 'max', 'activation_kib'):.1f} times the memory. A value of the "
        f"last maps sees {results.show('none', 'receptive_field')} pixels per side instead of "
        f"{results.show('max', 'receptive_field')}."
    )
    return describe_differences(results.comparisons_in("accuracy"), name), shifts, price


def _training_time(results: StudyResults) -> str:
    """State the time of training without pooling; "" if the trainings were too short."""
    if not results.has_comparable_times("none", "max"):
        return ""
    ratio = results.ratio("none", "max", "train_seconds")
    return f"training takes {ratio:.1f} times as long as with max pooling, and "


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot accuracy by run, by shift and by training time."""
    from ankleboot.studies.charts import accuracy_by_cost, accuracy_by_run, accuracy_by_shift

    return (
        accuracy_by_run(results),
        accuracy_by_shift(results, results.variants),
        accuracy_by_cost(results, "What each costs and brings"),
    )


PLAIN_ANSWER = PlainAnswer(
    sentences=(
        "Pooling saves time: without it, training took four times as long.",
        "After three passes over the images, the largest value gave more right answers than the "
        "average, convolutions in steps of two, or no pooling.",
        "It also stayed right most often when garments were shifted by two pixels.",
    ),
    claims=(
        ratio_between("none", "max", "train_seconds", 3.5, 4.5),
        *(
            outcome("worse", pooling, "max", quantity)
            for quantity in ("accuracy", "shifted_accuracy")
            for pooling in POOLINGS[1:]
        ),
        *(trained_with(p, epochs=3, learning_rate=0.003, pooling=p) for p in POOLINGS),
        *(leads_throughout("max", pooling, "shift_accuracies") for pooling in POOLINGS[1:]),
        ratio_between("strided", "max", "forward_mflop", 0.25, 0.4),
        mean_between("none", "receptive_field", 6, 8),
        mean_between("max", "receptive_field", 21, 23),
    ),
    figure=1,
    caption=(
        "Right answers when the garment moves by 0 to 6 pixels. Max pooling is ahead at every "
        "distance."
    ),
    caveats=(
        "All networks trained for three epochs at one learning rate, which may suit one kind of "
        "pooling better than another.",
        "Two things change at once with strides: the network also does about a third of the "
        "arithmetic. Without pooling, a value of the last maps also sees a smaller part of the "
        "image.",
    ),
)

STUDY = Study(
    name="pooling",
    question="Why pool, and does the largest value serve better than the average?",
    hypothesis=(
        "Pooling makes a network cheaper and less sensitive to where the garment stands; the "
        "largest value keeps edges that the average washes out."
    ),
    variants=_variants(DEEP_CNN.epochs),
    quick=_variants(1),
    measures=(
        "accuracy:measure_accuracy",
        "shift_robustness:measure_shift_robustness",
        "cost:measure_cost",
        "cost:measure_receptive_field",
    ),
    comparisons=tuple(
        Comparison(quantity, pooling, "max")
        for quantity in ("accuracy", "shifted_accuracy")
        for pooling in POOLINGS[1:]
    ),
    columns=(
        "accuracy",
        "shifted_accuracy",
        "unchanged",
        "train_seconds",
        "forward_mflop",
        "activation_kib",
        "peak_mib",
        "images_per_second",
        "receptive_field",
        "parameters",
    ),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot train plain --set padding=same --set pooling=strided  # strides in place of max",
        "ankleboot train leaky --set pooling=average --set epochs=5  # averages, a larger network",
        "ankleboot train plain --set max_shift=2  # shifts as augmentation",
    ),
    plain=PLAIN_ANSWER,
    minutes=10.0,
)
