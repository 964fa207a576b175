"""What improves the network: one change at a time from the first ancestor, and all together."""

from dataclasses import replace
from typing import Any

from ankleboot.recipes.catalog import PLAIN, TRANSFER
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.charts import Dots, Price
from ankleboot.studies.results import ComparisonResult, StudyResults
from ankleboot.studies.sentences import describe_difference, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(PLAIN, padding="same", precision="auto", batch_size=128, epochs=3)
"""The first ancestor, with padding (or two convolutions a block would leave little), in larger
batches and for three of its five epochs, so that a rung takes seconds."""

START, ALL, TRANSFERRED = "plain", "all together", "transfer from ImageNet"
RUNGS: dict[str, dict[str, Any]] = {
    "two convolutions a block": {"convs_per_block": 2},
    "batch normalisation": {"batch_norm": True},
    "AdamW": {"optimizer": "adamw", "weight_decay": 0.01},
    "RMSprop": {"optimizer": "rmsprop", "momentum": 0.0},
    "falling rate": {"schedule": "one_cycle", "learning_rate": 3e-3},
    "augmentation": {"flip": True, "max_shift": 1},
    "5 x 5 kernels": {"kernel_size": 5},
    "twice the filters": {"filters": 64},
    "LeakyReLU": {"activation": "leaky_relu"},
}
TOGETHER = {
    "convs_per_block": 2,
    "batch_norm": True,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "schedule": "one_cycle",
    "learning_rate": 3e-3,
    "flip": True,
    "activation": "leaky_relu",
}
"""Without what costs most for itself: larger kernels and more filters."""


def _transfer(epochs: int) -> Recipe:
    """ImageNet's features at the images' own 28 pixels: all but the last epoch frozen."""
    return replace(
        TRANSFER,
        image_size=28,
        color=False,
        split="last",
        flip=False,
        max_shift=0,
        rotation=0.0,
        scale_jitter=0.0,
        aspect_jitter=0.0,
        random_erasing=0.0,
        color_jitter=0.0,
        batch_size=128,
        head_epochs=epochs - 1,
        epochs=epochs,
        precision="auto",
    )


def _variants(epochs: int, train_size: int = 0) -> tuple[Variant, ...]:
    base = replace(BASE, epochs=epochs, train_size=train_size)
    recipes = {START: base} | {
        name: replace(base, **change) for name, change in (RUNGS | {ALL: TOGETHER}).items()
    }
    return tuple(Variant(name=name, recipe=recipe) for name, recipe in recipes.items())


def answer(found: StudyResults) -> tuple[str, str, str]:
    """What helps; what was not found to; all together."""
    single = [one for one in found.compared("accuracy") if one.first != ALL]
    helping = [one for one in single if one.is_better]
    harming = [one for one in single if one.is_better is False]
    rest = [one for one in single if not one.is_found]
    first = (
        f"From {found.show(START, 'accuracy')} of the validation images right, single changes that "
        f"help: {_gains(found, helping)}."
        if helping
        else "No single change was found to help."
    )
    if not single or not all(one.has_enough_runs for one in single):
        first = f"Single changes bring {_gains(found, single)}."
        return first, join_clauses([_price(found)]), join_clauses(_together(found))
    second = join_clauses(
        [
            *(["worse with " + _gains(found, harming)] if harming else []),
            *(["no difference found for " + _gains(found, rest)] if rest else []),
            *([] if harming or rest else ["every single change makes a difference"]),
        ]
    )
    return first, second, join_clauses([*_together(found), _price(found)])


def _gains(found: StudyResults, differences: list[ComparisonResult]) -> str:
    ordered = sorted(differences, key=lambda one: -one.mean)
    return join_and([_gain(found, one) for one in ordered])


def _gain(found: StudyResults, one: ComparisonResult) -> str:
    bounds = one.ci95
    between = f", {100 * bounds[0]:.2f} to {100 * bounds[1]:.2f}" if bounds else ""
    seconds = found.mean(one.first, "train_seconds")
    return f"{one.first} ({100 * one.mean:+.2f} points{between}; {seconds:.0f} s)"


def _together(found: StudyResults) -> list[str]:
    return [describe_difference(one) for one in found.compared("accuracy") if one.first == ALL]


def _price(found: StudyResults) -> str:
    times = found.mean(ALL, "train_seconds") / found.mean(START, "train_seconds")
    more = found.mean(ALL, "parameters") / found.mean(START, "parameters")
    return (
        f"all together reach {found.show(ALL, 'accuracy')} with {times:.1f} times the seconds and "
        f"{more:.1f} times the parameters"
    )


def charts(found: StudyResults) -> tuple[Chart, ...]:
    """Accuracy by run; by price."""
    rungs = found.variants
    percent = {one: [100 * value for value in found.values(one, "accuracy")] for one in rungs}
    return (
        Dots("Accuracy of every run", percent, "validation accuracy in %"),
        Price(
            "What each change costs and brings",
            {one: found.values(one, "train_seconds") for one in rungs},
            percent,
            "seconds of training",
            "validation accuracy in %",
        ),
    )


STUDY = Study(
    name="ladder",
    question="What improves the network?",
    hypothesis=(
        "More convolutions, batch normalisation, a falling learning rate and augmentation help; "
        "optimizers and LeakyReLU matter less; together they add up to less than their sum."
    ),
    variants=(*_variants(BASE.epochs), Variant(name=TRANSFERRED, recipe=_transfer(3))),
    quick=tuple(
        one
        for one in _variants(1, 12_000)
        if one.name in (START, ALL, *tuple(RUNGS)[:3], *tuple(RUNGS)[5:6])
    ),
    measures=("answers", "cost"),
    comparisons=tuple(Comparison("accuracy", one, START) for one in (*RUNGS, TRANSFERRED, ALL)),
    columns=("accuracy", "loss", "ece", "parameters", "train_seconds", "forward_mflop"),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot train plain --set batch_norm=true --set schedule=one_cycle",
        "ankleboot train pocket           # what came of going on like this: two minutes",
        "ankleboot compare runs/plain-seed* runs/pocket-seed*    # 4 or more runs of each",
    ),
    seeds=6,
    minutes=45.0,
)
