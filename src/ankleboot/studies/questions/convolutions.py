"""Convolutions against dense layers, at equal parameters and at equal arithmetic."""

from dataclasses import replace

from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.pixel_transforms import SHUFFLED
from ankleboot.studies.questions.base import SMALL_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

CNN = replace(SMALL_CNN, epochs=4, precision="auto")
MLP = replace(PLAIN, architecture="mlp", batch_size=128, epochs=4, precision="auto")
SAME_PARAMETERS = replace(MLP, dense_units=133)
"""785 x 133 weights and the last layer: within a percent of the 105,866 of the CNN."""
SAME_COMPUTE = replace(MLP, dense_units=735, dense_layers=2)
"""Network with the multiplications of the CNN (within a few percent) and 10 x its parameters."""

CONVOLUTIONS = "convolutions"
PARAMETERS, COMPUTE = "dense, equal parameters", "dense, equal compute"
SHIFTS = ("shift_robustness:measure_shift_robustness",)
SHUFFLED_CNN, SHUFFLED_DENSE = "convolutions, shuffled pixels", "dense, shuffled pixels"
FEW, SOME, MANY, ALL = "few images", "some images", "many images", ""
SIZES = {FEW: (100, 60, 32), SOME: (1_000, 25, 128), MANY: (10_000, 8, 128)}
"""Images, epochs and batch size: fewer images need more epochs, in smaller batches."""


def _sized(name: str, size: str) -> str:
    return f"{name}, {size}" if size else name


def _part(name: str, recipe: Recipe, size: str) -> Variant:
    images, epochs, batch = SIZES[size]
    small = replace(recipe, train_size=images, epochs=epochs, batch_size=batch)
    return Variant(name=_sized(name, size), recipe=small)


def _whole(epochs: int) -> tuple[Variant, ...]:
    cnn, same_parameters, same_compute = (
        replace(recipe, epochs=epochs) for recipe in (CNN, SAME_PARAMETERS, SAME_COMPUTE)
    )
    return (
        Variant(name=CONVOLUTIONS, recipe=cnn, measures=SHIFTS),
        Variant(name=PARAMETERS, recipe=same_parameters, measures=SHIFTS),
        Variant(name=COMPUTE, recipe=same_compute, measures=SHIFTS),
        Variant(name=SHUFFLED_CNN, recipe=cnn, pixels=SHUFFLED),
        Variant(name=SHUFFLED_DENSE, recipe=same_parameters, pixels=SHUFFLED),
    )


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the comparisons at equal cost, with shuffled pixels, and by training size."""
    show, compared = results.show, results.comparisons_in("accuracy")
    first = join_clauses(
        f"With {show(CONVOLUTIONS, 'parameters')} parameters and "
        f"{show(CONVOLUTIONS, 'forward_mflop')} MFLOP an image convolutions get "
        f"{show(CONVOLUTIONS, 'accuracy')} right, a dense network of as many "
        f"parameters {show(PARAMETERS, 'accuracy')}, one of as much arithmetic "
        f"({show(COMPUTE, 'parameters')} parameters) {show(COMPUTE, 'accuracy')}",
        *describe_differences(result for result in compared if result.first == CONVOLUTIONS),
    )
    second = join_clauses(
        "With the pixels shuffled, in all images alike, it is "
        f"{show(SHUFFLED_CNN, 'accuracy')} against {show(SHUFFLED_DENSE, 'accuracy')}",
        *describe_differences(result for result in compared if result.first == SHUFFLED_CNN),
        *describe_differences(results.comparisons_in("shifted_accuracy")),
    )
    reached = [
        f"{show(cnn, 'accuracy')} and {show(_sized(PARAMETERS, size), 'accuracy')} with "
        f"{show(cnn, 'num_train')} images"
        for size in (*SIZES, ALL)
        if results.has(cnn := _sized(CONVOLUTIONS, size))
    ]
    third = join_clauses(
        f"Convolutions and dense layers get {join_and(reached)}",
        *describe_differences(result for result in compared if result.first.endswith("images")),
    )
    return first, second, third


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot accuracy by run, by shift and by number of training images."""
    from ankleboot.studies.charts import accuracy_by_run, accuracy_by_shift, by_size

    whole = [variant for variant in results.variants if not variant.endswith("images")]
    by_name = {
        name: [_sized(name, size) for size in (*SIZES, ALL)] for name in (CONVOLUTIONS, PARAMETERS)
    }
    return (
        accuracy_by_run(results, whole),
        accuracy_by_shift(results, (CONVOLUTIONS, PARAMETERS, COMPUTE)),
        by_size(results, "accuracy", "Accuracy by the number of training images", by_name),
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
        *(_part(CONVOLUTIONS, CNN, size) for size in SIZES),
        *(_part(PARAMETERS, SAME_PARAMETERS, size) for size in SIZES),
    ),
    quick=_whole(1),
    measures=("accuracy:measure_accuracy", "cost:measure_cost", "data_size:measure_data_size"),
    comparisons=(
        Comparison("accuracy", CONVOLUTIONS, PARAMETERS),
        Comparison("accuracy", CONVOLUTIONS, COMPUTE),
        Comparison("accuracy", SHUFFLED_CNN, SHUFFLED_DENSE),
        Comparison("shifted_accuracy", CONVOLUTIONS, COMPUTE),
        *(
            Comparison("accuracy", _sized(CONVOLUTIONS, s), _sized(PARAMETERS, s))
            for s in (FEW, SOME)
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
