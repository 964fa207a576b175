"""Pooling: maximum, average, strided convolution, or none."""

from dataclasses import replace

from ankleboot.studies.questions.base import DEEP_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_clauses, join_each
from ankleboot.studies.study import Chart, Comparison, Study, Variant

POOLINGS = ("max", "average", "strided", "none")


def _variants(epochs: int) -> tuple[Variant, ...]:
    return tuple(
        Variant(name=pooling, recipe=replace(DEEP_CNN, pooling=pooling, epochs=epochs))
        for pooling in POOLINGS
    )


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State accuracy, robustness to shifts, cost and receptive field."""
    accuracy = join_clauses(*describe_differences(results.comparisons_in("accuracy")))
    shifts = join_clauses(
        "Of the answers a shift by one pixel leaves as they were "
        + join_each(results.variants, lambda pooling: results.show(pooling, "unchanged")),
        *describe_differences(results.comparisons_in("shifted_accuracy")),
    )
    price = (
        f"Without pooling the same {results.show('max', 'parameters')} parameters take "
        f"{results.ratio('none', 'max', 'train_seconds'):.1f} times the training time of max and "
        f"{results.ratio('none', 'max', 'activation_kib'):.1f} times the memory for maps, and "
        f"a value of the last maps sees {results.show('none', 'receptive_field')} pixels per side "
        f"instead of {results.show('max', 'receptive_field')}."
    )
    return accuracy, shifts, price


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot accuracy by run, by shift and by training time."""
    from ankleboot.studies.charts import accuracy_by_cost, accuracy_by_run, accuracy_by_shift

    return (
        accuracy_by_run(results),
        accuracy_by_shift(results, results.variants),
        accuracy_by_cost(results, "What each costs and brings"),
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
        "ankleboot train plain --set padding=same --set pooling=strided",
        "ankleboot train leaky --set pooling=average --set epochs=5",
        "ankleboot train plain --set max_shift=2  # shifts as augmentation",
    ),
    minutes=10.0,
)
