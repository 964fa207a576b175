"""Ablation ladder: one change at a time from `plain`, and all together."""

from dataclasses import replace
from typing import Any

from ankleboot.recipes.catalog import PLAIN, TRANSFER
from ankleboot.studies.claims import (
    NO_DIFFERENCE,
    always_above,
    changes,
    difference_between,
    outcome,
    ratio_between,
    trained_with,
)
from ankleboot.studies.results import ComparisonResult, StudyResults
from ankleboot.studies.sentences import describe_differences, join_and
from ankleboot.studies.study import Chart, Comparison, PlainAnswer, Study, Variant

BASE = replace(PLAIN, padding="same", precision="auto", batch_size=128, epochs=3)
"""`plain` with padding (two convolutions a block would else leave too few pixels), in larger
batches and for three of its five epochs, so that a run takes seconds."""

START, ALL = "plain", "all together"
RUNGS: dict[str, dict[str, Any]] = {
    "two convolutions a block": {"convs_per_block": 2},
    "batch normalization": {"batch_norm": True},
    "AdamW": {"optimizer": "adamw", "weight_decay": 0.01},
    "RMSprop": {"optimizer": "rmsprop", "momentum": 0.0},
    "falling rate": {"schedule": "one_cycle", "learning_rate": 3e-3},
    "augmentation": {"flip": True, "max_shift": 1},
    "5 x 5 kernels": {"kernel_size": 5},
    "twice the filters": {"filters": 64},
    "LeakyReLU": {"activation": "leaky_relu"},
}
MERGED = ("two convolutions a block", "batch normalization", "AdamW", "falling rate", "LeakyReLU")
TOGETHER = {"flip": True} | {key: v for name in MERGED for key, v in RUNGS[name].items()}
"""All changes but the most expensive: larger kernels and more filters."""

STILL: dict[str, Any] = {"flip": False, "max_shift": 0} | dict.fromkeys(
    ("rotation", "scale_jitter", "aspect_jitter", "random_erasing", "color_jitter"), 0.0
)
GRAY_TRANSFER = replace(TRANSFER, image_size=28, color=False, split="last", **STILL)
TRANSFER_VARIANT = Variant(
    name="transfer from ImageNet",
    recipe=replace(
        GRAY_TRANSFER,
        batch_size=128,
        head_epochs=2,
        epochs=3,
        keep="last",
        monitor="loss",
        precision="auto",
    ),
)
"""Transfer at 28 pixels, frozen for all but the last epoch."""


def _variants(epochs: int, train_size: int = 0) -> tuple[Variant, ...]:
    base = replace(BASE, epochs=epochs, train_size=train_size)
    changes: dict[str, dict[str, Any]] = {START: {}, **RUNGS, ALL: TOGETHER}
    return tuple(Variant(name=name, recipe=replace(base, **c)) for name, c in changes.items())


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the helpful changes, the others, and all together."""
    compared = results.comparisons_in("accuracy")
    single = [result for result in compared if result.first != ALL]
    helping = [result for result in single if result.is_better]
    harming = [result for result in single if result.is_better is False]
    rest = [result for result in single if not result.is_found]
    together = describe_differences(
        (result for result in compared if result.first == ALL),
        lambda name: "the combination" if name == ALL else name,
    )
    seconds = (
        f"{results.ratio(ALL, START, 'train_seconds'):.1f} times the seconds and "
        if results.has_comparable_times(ALL, START)
        else ""
    )
    cost = (
        f"The combination reaches {results.show(ALL, 'accuracy')} with {seconds}"
        f"{results.ratio(ALL, START, 'parameters'):.1f} times the parameters."
    )
    epochs = results.rows[0]["recipe"]["epochs"]
    passes = f"{epochs} epoch" if epochs == 1 else f"{epochs} epochs"
    start = (
        f"After {passes}, the recipe to start from gets {results.show(START, 'accuracy')} right."
    )
    if not single or not all(result.has_enough_runs for result in single):
        return f"{start} Single changes bring {_gains(single)}.", cost, together
    first = (
        f"{start} These single changes help (with 95 % intervals): {_gains(helping)}."
        if helping
        else f"{start} No single change was found to help."
    )
    others = [f"Worse are {_gains(harming)}."] if harming else []
    others += [f"No difference was found for {_gains(rest)}."] if rest else []
    second = " ".join(others or ["Every single change helps."])
    return first, second, f"{together} {cost}"


def _gains(differences: list[ComparisonResult]) -> str:
    gains = []
    for result in sorted(differences, key=lambda result: -result.mean):
        bounds = result.ci95
        between = f", {100 * bounds[0]:.2f} to {100 * bounds[1]:.2f}" if bounds else ""
        gains.append(f"{result.first} ({100 * result.mean:+.2f} points{between})")
    return join_and(gains)


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot accuracy by run and by training time."""
    from ankleboot.studies.charts import accuracy_by_cost, accuracy_by_run

    by_cost = accuracy_by_cost(results, "What each change costs and brings")
    return accuracy_by_run(results), by_cost


DOUBLE, NORM, ADAMW, FALLING, _ = MERGED
PLAIN_ANSWER = PlainAnswer(
    sentences=(
        "In only three passes over the images, more convolutions and a tripled, falling learning "
        "rate each gave over one more right answer in a hundred.",
        "In so short a time no difference was found for batch normalization and AdamW, and "
        "augmentation did harm; longer training may change that.",
        "Six changes together beat each single one.",
    ),
    claims=(
        *(trained_with(name, epochs=BASE.epochs) for name in (START, *RUNGS, ALL)),
        trained_with(START, epochs=3),
        *(outcome("better", name, START) for name in (DOUBLE, FALLING, ALL)),
        *(difference_between(name, START, "accuracy", 0.01, 0.02) for name in (DOUBLE, FALLING)),
        *(outcome(NO_DIFFERENCE, name, START) for name in (NORM, ADAMW)),
        outcome("worse", "augmentation", START),
        outcome("worse", TRANSFER_VARIANT.name, START),
        *(always_above(ALL, name, "accuracy") for name in RUNGS),
        changes(FALLING, START, "schedule", "learning_rate"),
        trained_with(START, learning_rate=0.001, optimizer="adam"),
        trained_with(FALLING, learning_rate=0.003),
        changes(ADAMW, START, "optimizer", "weight_decay"),
        changes("augmentation", START, "flip", "max_shift"),
        changes("RMSprop", START, "optimizer", "momentum"),
        changes(ALL, START, *(key for key in TOGETHER)),
        ratio_between(DOUBLE, START, "forward_mflop", 4, 5),
    ),
    figure=0,
    caption=(
        "Each dot is a run, each diamond a mean. Compare each row with the first: the further its "
        "dots lie to the right, the more the change helped."
    ),
    caveats=(
        "Three epochs are a short training. Augmentation and batch normalization may need more "
        "time to pay off, and this study does not show whether they do.",
        "Two things change at once with the falling rate: its peak, 0.003, is also three times the "
        "constant rate, 0.001.",
        "Two things change at once with AdamW: it replaces Adam and adds a weight decay of 0.01. "
        "Augmentation both mirrors and shifts the images.",
        "Two convolutions a block also take over four times the arithmetic.",
        "Transfer from ImageNet is another recipe with another optimizer, on images of only 28 "
        "pixels. It does not show what transfer can do on larger photos.",
        "The six changes are two convolutions a block, batch normalization, AdamW, the falling "
        "rate, LeakyReLU and mirrored images.",
    ),
)

STUDY = Study(
    name="ladder",
    question="What improves the network?",
    hypothesis=(
        "More convolutions, batch normalization, a falling learning rate and augmentation help. "
        "Optimizers and LeakyReLU matter less. Together they add up to less than their sum."
    ),
    variants=(*_variants(BASE.epochs), TRANSFER_VARIANT),
    quick=tuple(
        variant
        for variant in _variants(1, 12_000)
        if variant.name in (START, ALL, *tuple(RUNGS)[:3], *tuple(RUNGS)[5:6])
    ),
    measures=("accuracy:measure_accuracy", "cost:measure_cost"),
    comparisons=tuple(
        Comparison("accuracy", variant, START) for variant in (*RUNGS, TRANSFER_VARIANT.name, ALL)
    ),
    columns=("accuracy", "loss", "ece", "parameters", "train_seconds", "forward_mflop"),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot train plain --set schedule=one_cycle  # the falling rate at the usual peak",
        "ankleboot train plain --set flip=true --set max_shift=1 --set epochs=20"
        "  # augmentation with more time",
        "ankleboot train pocket  # many changes together, for 40 epochs",
    ),
    plain=PLAIN_ANSWER,
    seeds=6,
    minutes=45.0,
)
