"""What convolutions gain over dense layers, at equal parameters and at equal arithmetic."""

from dataclasses import replace

import numpy as np

from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.charts import Curves, Dots
from ankleboot.studies.pixel_transforms import SHUFFLED
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import (
    describe_difference,
    describe_differences,
    join_and,
    join_clauses,
)
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(PLAIN, batch_size=128, epochs=4, precision="auto")
CNN = replace(BASE, filters=16, padding="same", dense_units=64)
SAME_PARAMETERS = replace(BASE, architecture="mlp", dense_units=133)
"""785 x 133 weights and the last layer: within a per cent of the convolutions' 105,866."""
SAME_COMPUTE = replace(BASE, architecture="mlp", dense_units=735, dense_layers=2)
"""As many multiplications an image as the convolutions, within a few per cent: ten times the
parameters."""

CONVOLUTIONS, PARAMETERS, COMPUTE = (
    "convolutions",
    "dense, equal parameters",
    "dense, equal compute",
)
SHUFFLED_CNN, SHUFFLED_DENSE = "convolutions, shuffled pixels", "dense, shuffled pixels"
FEW, SOME, MANY = "few images", "some images", "many images"
SIZES = {FEW: (100, 60), SOME: (1_000, 25), MANY: (10_000, 8)}
"""Images and epochs: fewer are seen more often, or a network would not learn what is in them."""


def _sized(name: str, size: str) -> str:
    return f"{name}, {size}" if size else name


def _few(name: str, recipe: Recipe, size: str) -> Variant:
    images, epochs = SIZES[size]
    batch = 32 if size == FEW else recipe.batch_size
    small = replace(recipe, train_size=images, epochs=epochs, batch_size=batch)
    return Variant(name=_sized(name, size), recipe=small)


def _whole(epochs: int) -> tuple[Variant, ...]:
    cnn, parameters, compute = (
        replace(one, epochs=epochs) for one in (CNN, SAME_PARAMETERS, SAME_COMPUTE)
    )
    return (
        Variant(name=CONVOLUTIONS, recipe=cnn, measures=("shifts",)),
        Variant(name=PARAMETERS, recipe=parameters, measures=("shifts",)),
        Variant(name=COMPUTE, recipe=compute, measures=("shifts",)),
        Variant(name=SHUFFLED_CNN, recipe=cnn, pixels=SHUFFLED),
        Variant(name=SHUFFLED_DENSE, recipe=parameters, pixels=SHUFFLED),
    )


def answer(found: StudyResults) -> tuple[str, str, str]:
    """Equal parameters and compute; what they rest on; data."""
    whole = {(one.first, one.second): one for one in found.compared("accuracy")}
    first = join_clauses(
        [
            f"With {found.show(CONVOLUTIONS, 'parameters')} parameters and "
            f"{found.show(CONVOLUTIONS, 'forward_mflop')} MFLOP an image convolutions get "
            f"{found.show(CONVOLUTIONS, 'accuracy')} right, a dense network of as many parameters "
            f"{found.show(PARAMETERS, 'accuracy')}, one of as much arithmetic "
            f"({found.show(COMPUTE, 'parameters')} parameters) {found.show(COMPUTE, 'accuracy')}",
            *describe_differences(whole[CONVOLUTIONS, one] for one in (PARAMETERS, COMPUTE)),
        ]
    )
    second = join_clauses(
        [
            "With the pixels shuffled, in all images alike, it is "
            f"{found.show(SHUFFLED_CNN, 'accuracy')} against "
            f"{found.show(SHUFFLED_DENSE, 'accuracy')}",
            describe_difference(whole[SHUFFLED_CNN, SHUFFLED_DENSE]),
            *describe_differences(found.compared("shifted_accuracy")),
        ]
    )
    reached = [
        f"{found.show(_sized(CONVOLUTIONS, one), 'accuracy')} and "
        f"{found.show(_sized(PARAMETERS, one), 'accuracy')} with {_images(found, one):,.0f} images"
        for one in _sizes(found)
    ]
    few = [one for one in found.compared("accuracy") if one.first.endswith("images")]
    third = join_clauses(
        [f"Convolutions and dense layers get {join_and(reached)}", *describe_differences(few)]
    )
    return first, second, third


def _sizes(found: StudyResults) -> list[str]:
    """Those that ran; the empty name stands for all images."""
    return [one for one in (*SIZES, "") if found.has(_sized(CONVOLUTIONS, one))]


def _images(found: StudyResults, size: str) -> float:
    return found.mean(_sized(CONVOLUTIONS, size), "num_train")


def charts(found: StudyResults) -> tuple[Chart, ...]:
    """Accuracy of the whole; by shift; by the number of images."""
    whole = [one for one in found.variants if not one.endswith("images")]
    percent = {one: [100 * value for value in found.values(one, "accuracy")] for one in whole}
    moved = [one for one in (CONVOLUTIONS, PARAMETERS, COMPUTE) if found.has(one, "unchanged")]
    sizes = _sizes(found)
    by_size = {}
    for name in (CONVOLUTIONS, PARAMETERS):
        runs = [found.values(_sized(name, one), "accuracy") for one in sizes]
        least = min(map(len, runs))
        by_size[name] = 100 * np.array([one[:least] for one in runs]).T
    return (
        Dots("Accuracy of every run", percent, "validation accuracy in %"),
        Curves(
            "Accuracy when the garment is shifted",
            {one: found.first(one, "shift_distances") for one in moved},
            {one: 100 * found.series(one, "shift_accuracies") for one in moved},
            "pixels, up, down, left and right",
            "accuracy in %",
        ),
        Curves(
            "Accuracy by the number of training images",
            dict.fromkeys(by_size, [_images(found, one) for one in sizes]),
            by_size,
            "training images",
            "validation accuracy in %",
            log_x=True,
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
    measures=("answers", "cost", "counts"),
    comparisons=(
        Comparison("accuracy", CONVOLUTIONS, PARAMETERS),
        Comparison("accuracy", CONVOLUTIONS, COMPUTE),
        Comparison("accuracy", SHUFFLED_CNN, SHUFFLED_DENSE),
        Comparison("shifted_accuracy", CONVOLUTIONS, COMPUTE),
        *(
            Comparison("accuracy", _sized(CONVOLUTIONS, one), _sized(PARAMETERS, one))
            for one in (FEW, SOME)
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
