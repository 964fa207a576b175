"""Input scaling: its effect on gradients, stable learning rates and epochs."""

from dataclasses import replace
from typing import Any

from ankleboot.studies.questions.base import SMALL_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_clauses, join_each
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(SMALL_CNN, epochs=12, train_size=6_000)
RAW, UNIT, STANDARD, RESCUED = "0 to 255", "0 to 1", "standard", "0 to 255, batch norm"
CHANGES: dict[str, dict[str, Any]] = {
    UNIT: {},
    STANDARD: {"input_scaling": "standard"},
    RAW: {"input_scaling": "none"},
    RESCUED: {"input_scaling": "none", "batch_norm": True},
}


def _variants(epochs: int) -> tuple[Variant, ...]:
    return tuple(
        Variant(name=name, recipe=replace(BASE, epochs=epochs, **change))
        for name, change in CHANGES.items()
    )


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State gradients and stable rates, epochs to 85 %, and accuracy."""
    scales = results.variants
    first = (
        "Before the first step the gradient of the first kernel has the norm "
        f"{join_each(scales, lambda scale: results.show(scale, 'first_gradient'))}, and the "
        "largest learning rate at which plain gradient descent still learns is "
        f"{join_each(scales, lambda scale: _rates(results, scale))}."
    )
    soon = join_clauses(
        "Epochs of 6,000 images until 85 % are right: "
        + join_each(scales, lambda scale: _epochs(results, scale)),
        *describe_differences(results.comparisons_in("epochs_to_85")),
    )
    return first, soon, join_clauses(*describe_differences(results.comparisons_in("accuracy")))


def _rates(results: StudyResults, variant: str) -> str:
    """Format the range of the stable rates as powers of two."""
    powers = results.values(variant, "stable_rate_log2")
    if not powers:
        return "none"
    low, high = round(min(powers)), round(max(powers))
    return f"2^{low}" if low == high else f"2^{low} to 2^{high}"


def _epochs(results: StudyResults, variant: str) -> str:
    """Format the mean and the number of runs that did not reach the target."""
    mean = results.show(variant, "epochs_to_85")
    reached = results.values(variant, "reached_85")
    if all(reached):
        return mean
    return f"at least {mean}, {reached.count(0)} of {len(reached)} runs not being there yet"


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot accuracy by epoch, stable rates and gradients."""
    from ankleboot.studies.charts import ACCURACY, by_run, curves

    accuracies = {
        variant: 100 * results.series(variant, "validation_accuracy_by_epoch")
        for variant in results.variants
    }
    rates = "Largest stable learning rate of plain gradient descent"
    gradients = "Gradient of the first kernel before the first step"
    return (
        curves("Validation accuracy by epoch", accuracies, "epoch", ACCURACY),
        by_run(results, "stable_rate_log2", rates, "power of two"),
        by_run(results, "first_gradient", gradients, "norm"),
    )


STUDY = Study(
    name="normalization",
    question="Why are pixels normalised?",
    hypothesis=(
        "Pixels from 0 to 255 (no normalisation: that is how the files have them) make the first "
        "gradients so large that only tiny learning rates are stable; batch normalisation repairs "
        "it."
    ),
    variants=_variants(BASE.epochs),
    quick=_variants(4),
    measures=(
        "accuracy:measure_accuracy",
        "gradients:measure_gradients",
        "gradients:measure_stable_rate",
        "gradients:measure_epochs_to_target",
    ),
    comparisons=tuple(
        Comparison(quantity, variant, UNIT)
        for quantity in ("epochs_to_85", "accuracy")
        for variant in CHANGES
        if variant != UNIT
    ),
    columns=("accuracy", "epochs_to_85", "first_gradient", "last_gradient", "stable_rate_log2"),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot train plain --set input_scaling=none --set learning_rate=0.00001",
        "ankleboot train plain --set input_scaling=none --set batch_norm=true",
        "ankleboot train plain --set input_scaling=standard --set optimizer=sgd",
    ),
    minutes=7.0,
)
