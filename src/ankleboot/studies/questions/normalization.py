"""Input scaling: its effect on gradients, stable learning rates and epochs."""

from dataclasses import replace
from typing import Any

from ankleboot.studies.claims import (
    changes,
    difference_between,
    outcome,
    ratio_between,
    trained_with,
)
from ankleboot.studies.questions.base import SMALL_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_each
from ankleboot.studies.study import Chart, Comparison, PlainAnswer, Study, Variant

BASE = replace(SMALL_CNN, epochs=12, train_size=6_000)
RAW, UNIT, STANDARD, RESCUED = "0 to 255", "0 to 1", "standard", "0 to 255, batch norm"
WORDS = {
    UNIT: "the scale 0 to 1",
    STANDARD: "the standard scale",
    RAW: "the scale 0 to 255",
    RESCUED: "the scale 0 to 255 with batch normalization",
}
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
    scales, name = results.variants, WORDS.__getitem__
    norms = join_each(scales, lambda scale: results.show(scale, "first_gradient"))
    rates = join_each(scales, lambda scale: _rates(results, scale))
    epochs = join_each(scales, lambda scale: _epochs(results, scale))
    first = (
        f"Before the first step, the norm of the first kernel's gradient is {norms}. The largest "
        f"learning rate at which plain gradient descent still learns is {rates}."
    )
    second = (
        f"On 6,000 images, these numbers of epochs pass until 85 % are right: {epochs}. "
        f"{describe_differences(results.comparisons_in('epochs_to_85'), name)}"
    )
    return first, second, describe_differences(results.comparisons_in("accuracy"), name)


def _rates(results: StudyResults, variant: str) -> str:
    """Format the range of the stable rates."""
    powers = results.values(variant, "stable_rate_log2")
    if not powers:
        return "none"
    low, high = 2 ** min(powers), 2 ** max(powers)
    return f"{low:.2g}" if low == high else f"{low:.2g} to {high:.2g}"


def _epochs(results: StudyResults, variant: str) -> str:
    """Format the mean and the number of runs that did not reach the target."""
    mean = results.show(variant, "epochs_to_85")
    reached = results.values(variant, "reached_85")
    if all(reached):
        return mean
    return f"at least {mean}, since {reached.count(0)} of {len(reached)} runs never got there"


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


PLAIN_ANSWER = PlainAnswer(
    sentences=(
        "Large pixel values make the first corrections of the weights far too strong.",
        "In twelve passes over 6,000 images, networks learned more slowly from values up to 255 "
        "than from values up to 1, and ended less accurate.",
        "With batch normalization inside the network, the large values did no harm.",
    ),
    claims=(
        ratio_between(RAW, UNIT, "first_gradient", 1_000, 2_000),
        difference_between(RAW, UNIT, "stable_rate_log2", -7, -3),
        outcome("worse", RAW, UNIT, "epochs_to_85"),
        outcome("worse", RAW, UNIT),
        outcome("better", RESCUED, UNIT, "epochs_to_85"),
        outcome("better", RESCUED, UNIT),
        *(
            trained_with(n, epochs=12, train_size=6_000, optimizer="adam", learning_rate=0.001)
            for n in CHANGES
        ),
        changes(RAW, UNIT, "input_scaling"),
        changes(RESCUED, UNIT, "input_scaling", "batch_norm"),
    ),
    figure=0,
    caption=(
        "Right answers after each pass over the images. Pixels from 0 to 255 stay behind, unless "
        "batch normalization is added."
    ),
    caveats=(
        "All networks used the optimizer Adam at a learning rate of 0.001. A rate chosen for each "
        "scale might bring them closer.",
        "Two things change at once with batch normalization: it stands in every block, so it also "
        "helps elsewhere. A network with it and pixels from 0 to 1 was not trained.",
    ),
)

STUDY = Study(
    name="normalization",
    question="Why are pixels normalized?",
    hypothesis=(
        "Pixels from 0 to 255, as the files have them, make the first gradients so large that only "
        "tiny learning rates are stable. Batch normalization repairs it."
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
        "ankleboot train plain --set input_scaling=none --set learning_rate=0.00001"
        "  # large pixel values, tiny steps",
        "ankleboot train plain --set batch_norm=true  # batch normalization, pixels from 0 to 1",
        "ankleboot train plain --set input_scaling=standard --set optimizer=sgd"
        "  # mean 0 and spread 1, plain gradient descent",
    ),
    plain=PLAIN_ANSWER,
    minutes=7.0,
)
