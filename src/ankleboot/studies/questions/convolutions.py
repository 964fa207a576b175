"""Convolutions against dense layers, at equal parameters and at equal arithmetic."""

from dataclasses import replace
from functools import partial

import numpy as np

from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.pixel_transforms import SHUFFLED
from ankleboot.studies.questions.base import SMALL_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import (
    describe_difference,
    describe_differences,
    join_and,
    join_clauses,
)
from ankleboot.studies.study import Chart, Comparison, Study, Variant

CNN = replace(SMALL_CNN, epochs=4, precision="auto")
MLP = replace(PLAIN, architecture="mlp", batch_size=128, epochs=4, precision="auto")
SAME_PARAMETERS = replace(MLP, dense_units=133)
"""785 x 133 weights and the last layer: within a percent of the 105,866 of the CNN."""
SAME_COMPUTE = replace(MLP, dense_units=735, dense_layers=2)
"""Network with the multiplications of the CNN (within a few percent) and 10 x its parameters."""

CONVOLUTIONS, PARAMETERS, COMPUTE = (
    "convolutions",
    "dense, equal parameters",
    "dense, equal compute",
)
SHIFTS = ("shift_robustness:measure_shift_robustness",)
SHUFFLED_CNN, SHUFFLED_DENSE = "convolutions, shuffled pixels", "dense, shuffled pixels"
FEW, SOME, MANY = "few images", "some images", "many images"
SIZES = {FEW: (100, 60), SOME: (1_000, 25), MANY: (10_000, 8)}
"""Images and epochs: fewer images need more epochs."""


def _sized(name: str, size: str) -> str:
    return f"{name}, {size}" if size else name


def _few(name: str, recipe: Recipe, size: str) -> Variant:
    images, epochs = SIZES[size]
    batch = 32 if size == FEW else recipe.batch_size
    small = replace(recipe, train_size=images, epochs=epochs, batch_size=batch)
    return Variant(name=_sized(name, size), recipe=small)


def _whole(epochs: int) -> tuple[Variant, ...]:
    cnn, same_parameters, same_compute = (
        replace(recipe, epochs=epochs) for recipe in (CNN, SAME_PARAMETERS, SAME_COMPUTE)
    )
    return (
        Variant(name=CONVOLUTIONS, recipe=cnn, measures=SHIFTS),
        Variant(
            name=PARAMETERS,
            recipe=same_parameters,
            measures=SHIFTS,
        ),
        Variant(name=COMPUTE, recipe=same_compute, measures=SHIFTS),
        Variant(name=SHUFFLED_CNN, recipe=cnn, pixels=SHUFFLED),
        Variant(name=SHUFFLED_DENSE, recipe=same_parameters, pixels=SHUFFLED),
    )


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the comparisons at equal cost, with shuffled pixels, and by training size."""
    whole = {(result.first, result.second): result for result in results.comparisons_in("accuracy")}
    first = join_clauses(
        [
            f"With {results.show(CONVOLUTIONS, 'parameters')} parameters and "
            f"{results.show(CONVOLUTIONS, 'forward_mflop')} MFLOP an image convolutions get "
            f"{results.show(CONVOLUTIONS, 'accuracy')} right, a dense network of as many "
            f"parameters {results.show(PARAMETERS, 'accuracy')}, one of as much arithmetic "
            f"({results.show(COMPUTE, 'parameters')} parameters) "
            f"{results.show(COMPUTE, 'accuracy')}",
            *describe_differences(
                whole[CONVOLUTIONS, variant] for variant in (PARAMETERS, COMPUTE)
            ),
        ]
    )
    second = join_clauses(
        [
            "With the pixels shuffled, in all images alike, it is "
            f"{results.show(SHUFFLED_CNN, 'accuracy')} against "
            f"{results.show(SHUFFLED_DENSE, 'accuracy')}",
            describe_difference(whole[SHUFFLED_CNN, SHUFFLED_DENSE]),
            *describe_differences(results.comparisons_in("shifted_accuracy")),
        ]
    )
    reached = [
        f"{results.show(_sized(CONVOLUTIONS, size), 'accuracy')} and "
        f"{results.show(_sized(PARAMETERS, size), 'accuracy')} with "
        f"{_images(results, size):,.0f} images"
        for size in _sizes(results)
    ]
    few = [
        result for result in results.comparisons_in("accuracy") if result.first.endswith("images")
    ]
    third = join_clauses(
        [f"Convolutions and dense layers get {join_and(reached)}", *describe_differences(few)]
    )
    return first, second, third


def _sizes(results: StudyResults) -> list[str]:
    """Return the sizes that ran; the empty name means all images."""
    return [size for size in (*SIZES, "") if results.has(_sized(CONVOLUTIONS, size))]


def _images(results: StudyResults, size: str) -> float:
    return results.mean(_sized(CONVOLUTIONS, size), "num_train")


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot accuracy by run, by shift and by number of training images."""
    from ankleboot.evaluation import plots

    whole = [variant for variant in results.variants if not variant.endswith("images")]
    percent = {variant: results.percent(variant, "accuracy") for variant in whole}
    moved = [
        variant
        for variant in (CONVOLUTIONS, PARAMETERS, COMPUTE)
        if results.has(variant, "unchanged")
    ]
    sizes = _sizes(results)
    by_size = {}
    for name in (CONVOLUTIONS, PARAMETERS):
        runs = [results.values(_sized(name, size), "accuracy") for size in sizes]
        least = min(map(len, runs))
        by_size[name] = 100 * np.array([values[:least] for values in runs]).T
    return (
        Chart(
            "Accuracy of every run", partial(plots.strip_plot, percent, "validation accuracy in %")
        ),
        Chart(
            "Accuracy when the garment is shifted",
            partial(
                plots.curves_with_range,
                {variant: results.first_value(variant, "shift_distances") for variant in moved},
                {variant: 100 * results.series(variant, "shift_accuracies") for variant in moved},
                "pixels, up, down, left and right",
                "accuracy in %",
            ),
        ),
        Chart(
            "Accuracy by the number of training images",
            partial(
                plots.curves_with_range,
                dict.fromkeys(by_size, [_images(results, size) for size in sizes]),
                by_size,
                "training images",
                "validation accuracy in %",
                log_x=True,
            ),
        ),
    )


STUDY = Study(
    name="convolutions",
    question="What do convolutional networks gain over fully connected ones?",
    hypothesis=(
        "At equal parameters and at equal arithmetic convolutions are more accurate, because they "
        "use that neighbouring pixels belong together: with shuffled pixels nothing is left of it."
    ),
    variants=(
        *_whole(CNN.epochs),
        *(_few(CONVOLUTIONS, CNN, size) for size in SIZES),
        *(_few(PARAMETERS, SAME_PARAMETERS, size) for size in SIZES),
    ),
    quick=_whole(1),
    measures=("accuracy:measure_accuracy", "cost:measure_cost", "data_size:measure_data_size"),
    comparisons=(
        Comparison("accuracy", CONVOLUTIONS, PARAMETERS),
        Comparison("accuracy", CONVOLUTIONS, COMPUTE),
        Comparison("accuracy", SHUFFLED_CNN, SHUFFLED_DENSE),
        Comparison("shifted_accuracy", CONVOLUTIONS, COMPUTE),
        *(
            Comparison("accuracy", _sized(CONVOLUTIONS, size), _sized(PARAMETERS, size))
            for size in (FEW, SOME)
        ),
    ),
    columns=(
        "accuracy",
        "shifted_accuracy",
        "unchanged",
        "parameters",
        "forward_mflop",
        "train_seconds",
        "images_per_second",
    ),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot train plain --set architecture=mlp --set dense_units=512",
        "ankleboot train plain --set architecture=mlp --set dense_layers=3 --set dropout=0.3",
        "ankleboot train plain --set train_size=1000 --set epochs=25",
    ),
    minutes=13.0,
)
