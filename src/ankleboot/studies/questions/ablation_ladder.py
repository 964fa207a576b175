"""Ablation ladder: one change at a time from `plain`, and all together."""

from dataclasses import replace
from functools import partial
from typing import Any

from ankleboot.recipes.catalog import PLAIN, TRANSFER
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.results import ComparisonResult, StudyResults
from ankleboot.studies.sentences import describe_difference, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(PLAIN, padding="same", precision="auto", batch_size=128, epochs=3)
"""`plain` with padding (two convolutions a block would else leave too few pixels), in larger
batches and for three of its five epochs, so that a run takes seconds."""

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
"""All changes but the most expensive: larger kernels and more filters."""


def _transfer(epochs: int) -> Recipe:
    """Return transfer from ImageNet at 28 pixels, frozen for all but the last epoch."""
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


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the helpful changes, the others, and all together."""
    single = [result for result in results.comparisons_in("accuracy") if result.first != ALL]
    helping = [result for result in single if result.is_better]
    harming = [result for result in single if result.is_better is False]
    rest = [result for result in single if not result.is_found]
    first = (
        f"From {results.show(START, 'accuracy')} of the validation images right, single changes "
        f"that help: {_gains(results, helping)}."
        if helping
        else "No single change was found to help."
    )
    if not single or not all(result.has_enough_runs for result in single):
        first = f"Single changes bring {_gains(results, single)}."
        return first, join_clauses([_cost(results)]), join_clauses(_together(results))
    second = join_clauses(
        [
            *(["worse with " + _gains(results, harming)] if harming else []),
            *(["no difference found for " + _gains(results, rest)] if rest else []),
            *([] if harming or rest else ["every single change makes a difference"]),
        ]
    )
    return first, second, join_clauses([*_together(results), _cost(results)])


def _gains(results: StudyResults, differences: list[ComparisonResult]) -> str:
    ordered = sorted(differences, key=lambda result: -result.mean)
    return join_and([_gain(results, result) for result in ordered])


def _gain(results: StudyResults, result: ComparisonResult) -> str:
    bounds = result.ci95
    between = f", {100 * bounds[0]:.2f} to {100 * bounds[1]:.2f}" if bounds else ""
    seconds = results.mean(result.first, "train_seconds")
    return f"{result.first} ({100 * result.mean:+.2f} points{between}; {seconds:.0f} s)"


def _together(results: StudyResults) -> list[str]:
    return [
        describe_difference(result)
        for result in results.comparisons_in("accuracy")
        if result.first == ALL
    ]


def _cost(results: StudyResults) -> str:
    times = results.mean(ALL, "train_seconds") / results.mean(START, "train_seconds")
    more = results.mean(ALL, "parameters") / results.mean(START, "parameters")
    return (
        f"all together reach {results.show(ALL, 'accuracy')} with {times:.1f} times the seconds "
        f"and {more:.1f} times the parameters"
    )


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot accuracy by run and by training time."""
    from ankleboot.evaluation import plots

    rungs = results.variants
    percent = {variant: results.percent(variant, "accuracy") for variant in rungs}
    return (
        Chart(
            "Accuracy of every run", partial(plots.strip_plot, percent, "validation accuracy in %")
        ),
        Chart(
            "What each change costs and brings",
            partial(
                plots.cost_benefit,
                {variant: results.values(variant, "train_seconds") for variant in rungs},
                percent,
                "seconds of training",
                "validation accuracy in %",
                log_x=True,
            ),
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
        variant
        for variant in _variants(1, 12_000)
        if variant.name in (START, ALL, *tuple(RUNGS)[:3], *tuple(RUNGS)[5:6])
    ),
    measures=("accuracy:measure_accuracy", "cost:measure_cost"),
    comparisons=tuple(
        Comparison("accuracy", variant, START) for variant in (*RUNGS, TRANSFERRED, ALL)
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
