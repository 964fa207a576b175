"""Ablation ladder: one change at a time from `plain`, and all together."""

from dataclasses import replace
from typing import Any

from ankleboot.recipes.catalog import PLAIN, TRANSFER
from ankleboot.studies.results import ComparisonResult, StudyResults
from ankleboot.studies.sentences import describe_differences, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(PLAIN, padding="same", precision="auto", batch_size=128, epochs=3)
"""`plain` with padding (two convolutions a block would else leave too few pixels), in larger
batches and for three of its five epochs, so that a run takes seconds."""

START, ALL = "plain", "all together"
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
MERGED = ("two convolutions a block", "batch normalisation", "AdamW", "falling rate", "LeakyReLU")
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
    together = describe_differences(result for result in compared if result.first == ALL)
    cost = (
        f"all together reach {results.show(ALL, 'accuracy')} with "
        f"{results.ratio(ALL, START, 'train_seconds'):.1f} times the seconds "
        f"and {results.ratio(ALL, START, 'parameters'):.1f} times the parameters"
    )
    if not single or not all(result.has_enough_runs for result in single):
        gains = f"Single changes bring {_gains(results, single)}."
        return gains, join_clauses(cost), join_clauses(*together)
    first = (
        f"From {results.show(START, 'accuracy')} of the validation images right, single changes "
        f"that help: {_gains(results, helping)}."
        if helping
        else "No single change was found to help."
    )
    others = [f"worse with {_gains(results, harming)}"] if harming else []
    others += [f"no difference found for {_gains(results, rest)}"] if rest else []
    second = join_clauses(*(others or ["every single change makes a difference"]))
    return first, second, join_clauses(*together, cost)


def _gains(results: StudyResults, differences: list[ComparisonResult]) -> str:
    gains = []
    for result in sorted(differences, key=lambda result: -result.mean):
        bounds = result.ci95
        between = f", {100 * bounds[0]:.2f} to {100 * bounds[1]:.2f}" if bounds else ""
        seconds = results.mean(result.first, "train_seconds")
        gains.append(f"{result.first} ({100 * result.mean:+.2f} points{between}; {seconds:.0f} s)")
    return join_and(gains)


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot accuracy by run and by training time."""
    from ankleboot.studies.charts import accuracy_by_cost, accuracy_by_run

    by_cost = accuracy_by_cost(results, "What each change costs and brings")
    return accuracy_by_run(results), by_cost


STUDY = Study(
    name="ladder",
    question="What improves the network?",
    hypothesis=(
        "More convolutions, batch normalisation, a falling learning rate and augmentation help; "
        "optimizers and LeakyReLU matter less; together they add up to less than their sum."
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
        "ankleboot train plain --set batch_norm=true --set schedule=one_cycle",
        "ankleboot train pocket           # what came of going on like this: two minutes",
        "ankleboot compare runs/plain-seed* runs/pocket-seed*    # 4 or more runs of each",
    ),
    seeds=6,
    minutes=45.0,
)
