"""Why pool, and how: the largest, the average, every second place, or not at all."""

from dataclasses import replace

from ankleboot.recipes.catalog import PLAIN
from ankleboot.studies.charts import Curves, Dots, Price
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(
    PLAIN,
    blocks=3,
    filters=16,
    padding="same",
    dense_units=64,
    schedule="one_cycle",
    learning_rate=3e-3,
    batch_size=128,
    epochs=3,
    precision="auto",
)
WAYS = ("max", "average", "strided", "none")
OTHERS = WAYS[1:]


def _variants(epochs: int) -> tuple[Variant, ...]:
    return tuple(
        Variant(name=way, recipe=replace(BASE, pooling=way, epochs=epochs)) for way in WAYS
    )


def answer(found: StudyResults) -> tuple[str, str, str]:
    """Accuracy; shifts; cost and how far the last maps see."""
    ways = found.variants
    accuracy = join_clauses(describe_differences(found.compared("accuracy")))
    shifts = join_clauses(
        [
            "Of the answers a shift by one pixel leaves as they were "
            + join_and([f"{found.show(way, 'unchanged')} ({way})" for way in ways]),
            *describe_differences(found.compared("shifted_accuracy")),
        ]
    )
    times = found.mean("none", "train_seconds") / found.mean("max", "train_seconds")
    maps = found.mean("none", "activation_kib") / found.mean("max", "activation_kib")
    price = (
        f"Without pooling the same {found.mean('max', 'parameters'):,.0f} parameters take "
        f"{times:.1f} times the training time of max and {maps:.1f} times the memory for maps, and "
        f"a value of the last maps sees {found.show('none', 'receptive_field')} pixels per side "
        f"instead of {found.show('max', 'receptive_field')}."
    )
    return accuracy, shifts, price


def charts(found: StudyResults) -> tuple[Chart, ...]:
    """Accuracy by run, by shift, by seconds."""
    ways = found.variants
    percent = {way: [100 * one for one in found.values(way, "accuracy")] for way in ways}
    return (
        Dots("Accuracy of every run", percent, "validation accuracy in %"),
        Curves(
            "Accuracy when the garment is shifted",
            {way: found.first(way, "shift_distances") for way in ways},
            {way: 100 * found.series(way, "shift_accuracies") for way in ways},
            "pixels, up, down, left and right",
            "accuracy in %",
        ),
        Price(
            "What each costs and brings",
            {way: found.values(way, "train_seconds") for way in ways},
            percent,
            "seconds of training",
            "validation accuracy in %",
        ),
    )


STUDY = Study(
    name="pooling",
    question="Why pool, and does the largest value serve better than the average?",
    hypothesis=(
        "Pooling makes a network cheaper and less sensitive to where the garment stands; the "
        "largest value keeps edges that the average washes out."
    ),
    variants=_variants(BASE.epochs),
    quick=_variants(1),
    measures=("answers", "shifts", "cost", "receptive_field"),
    comparisons=tuple(
        Comparison(quantity, way, "max")
        for quantity in ("accuracy", "shifted_accuracy")
        for way in OTHERS
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
