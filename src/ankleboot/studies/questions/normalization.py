"""Why normalise pixels: what their scale does to gradients, rates and epochs."""

from dataclasses import replace

from ankleboot.recipes.catalog import PLAIN
from ankleboot.studies.charts import Curves, Dots
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(
    PLAIN,
    filters=16,
    padding="same",
    dense_units=64,
    batch_size=128,
    epochs=12,
    train_size=6_000,
)
RAW, UNIT, STANDARD, RESCUED = "0 to 255", "0 to 1", "standard", "0 to 255, batch norm"
CHANGES: dict[str, dict[str, object]] = {
    UNIT: {},
    STANDARD: {"input_scaling": "standard"},
    RAW: {"input_scaling": "none"},
    RESCUED: {"input_scaling": "none", "batch_norm": True},
}


def _variants(epochs: int) -> tuple[Variant, ...]:
    return tuple(
        Variant(name=name, recipe=replace(BASE, epochs=epochs, **change))  # type: ignore[arg-type]
        for name, change in CHANGES.items()
    )


def answer(found: StudyResults) -> tuple[str, str, str]:
    """Rates and gradients; how soon; how good in the end."""
    scales = found.variants
    gradients = join_and([f"{found.show(one, 'first_gradient')} ({one})" for one in scales])
    rates = join_and([f"{_rates(found, one)} ({one})" for one in scales])
    first = (
        f"Before the first step the gradient of the first kernel has the norm {gradients}, and the "
        f"largest learning rate at which plain gradient descent still learns is {rates}."
    )
    soon = join_clauses(
        [
            "Epochs of 6,000 images until 85 % are right: "
            + join_and([f"{_epochs(found, one)} ({one})" for one in scales]),
            *describe_differences(found.compared("epochs_to_85")),
        ]
    )
    return first, soon, join_clauses(describe_differences(found.compared("accuracy")))


def _rates(found: StudyResults, variant: str) -> str:
    """The rates of all runs, as powers of two."""
    powers = found.values(variant, "stable_rate_log2")
    if not powers:
        return "none"
    low, high = round(min(powers)), round(max(powers))
    return f"2^{low}" if low == high else f"2^{low} to 2^{high}"


def _epochs(found: StudyResults, variant: str) -> str:
    """The mean, and how many runs count with all their epochs since they were not there yet."""
    mean = f"{found.mean(variant, 'epochs_to_85'):.1f}"
    reached = found.values(variant, "reached_85")
    if all(reached):
        return mean
    late = f"{reached.count(0)} of {len(reached)} runs not being there yet"
    return f"at least {mean}, {late}"


def charts(found: StudyResults) -> tuple[Chart, ...]:
    """Accuracy by epoch; the largest stable rate; gradients."""
    scales = found.variants
    curves = {one: 100 * found.series(one, "validation_accuracy_by_epoch") for one in scales}
    return (
        Curves(
            "Validation accuracy by epoch",
            {one: list(range(1, curve.shape[1] + 1)) for one, curve in curves.items()},
            curves,
            "epoch",
            "validation accuracy in %",
        ),
        Dots(
            "Largest stable learning rate of plain gradient descent",
            {one: found.values(one, "stable_rate_log2") for one in scales},
            "power of two",
        ),
        Dots(
            "Gradient of the first kernel before the first step",
            {one: found.values(one, "first_gradient") for one in scales},
            "norm",
        ),
    )


STUDY = Study(
    name="normalisation",
    question="Why are pixels normalised?",
    hypothesis=(
        "Pixels from 0 to 255 (no normalisation: that is how the files have them) make the first "
        "gradients so large that only tiny learning rates are stable; batch normalisation repairs "
        "it."
    ),
    variants=_variants(BASE.epochs),
    quick=_variants(4),
    measures=("answers", "gradients", "stable_rate", "epochs_to_target"),
    comparisons=tuple(
        Comparison(quantity, one, UNIT)
        for quantity in ("epochs_to_85", "accuracy")
        for one in CHANGES
        if one != UNIT
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
