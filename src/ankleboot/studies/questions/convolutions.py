"""Convolutions against dense layers, at equal parameters and at equal arithmetic."""

from dataclasses import replace

from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.claims import (
    NO_DIFFERENCE,
    changes,
    difference_between,
    leads_throughout,
    outcome,
    trained_with,
)
from ankleboot.studies.pixel_transforms import SHUFFLED
from ankleboot.studies.questions.base import SMALL_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and
from ankleboot.studies.study import Chart, Comparison, PlainAnswer, Study, Variant

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
WORDS = {
    CONVOLUTIONS: "the network with convolutions",
    PARAMETERS: "the dense network of equal size",
    COMPUTE: "the dense network of equal arithmetic",
    SHUFFLED_CNN: "the network with convolutions on shuffled pixels",
    SHUFFLED_DENSE: "the dense network on shuffled pixels",
}
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


def _in_words(variant: str) -> str:
    name, size = next(
        (variant.removesuffix(f", {size}"), size)
        for size in (*SIZES, ALL)
        if variant.endswith(size)
    )
    if size and name == PARAMETERS:
        return "the dense network"
    return WORDS[name] + (f" on {SIZES[size][0]:,} images" if size else "")


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the comparisons at equal cost, with shuffled pixels, and by training size."""
    show, compared = results.show, results.comparisons_in("accuracy")
    whole = [c for c in compared if c.first == CONVOLUTIONS]
    shuffled = [c for c in compared if c.first == SHUFFLED_CNN]
    sized = [c for c in compared if c.first.endswith("images")]
    first = (
        f"The network with convolutions gets {show(CONVOLUTIONS, 'accuracy')} right. It has "
        f"{show(CONVOLUTIONS, 'parameters')} parameters and takes "
        f"{show(CONVOLUTIONS, 'forward_mflop')} MFLOP an image. A dense network of equal size gets "
        f"{show(PARAMETERS, 'accuracy')} right, and one of equal arithmetic, with "
        f"{show(COMPUTE, 'parameters')} parameters, {show(COMPUTE, 'accuracy')}. "
        f"{describe_differences(whole, _in_words)}"
    )
    second = (
        "With the pixels of all images shuffled alike, convolutions get "
        f"{show(SHUFFLED_CNN, 'accuracy')} right and a dense network of equal size "
        f"{show(SHUFFLED_DENSE, 'accuracy')}. {describe_differences(shuffled, _in_words)} "
        f"{describe_differences(results.comparisons_in('shifted_accuracy'), _in_words)}"
    )
    reached = [
        f"{show(cnn, 'accuracy')} and {show(_sized(PARAMETERS, size), 'accuracy')} on "
        f"{show(cnn, 'num_train')} images"
        for size in (*SIZES, ALL)
        if results.has(cnn := _sized(CONVOLUTIONS, size))
    ]
    third = (
        f"Convolutions and the dense network of equal size get right: {join_and(reached)}. "
        f"{describe_differences(sized, _in_words)}"
    )
    return first, second, third.strip()


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


PLAIN_ANSWER = PlainAnswer(
    sentences=(
        "Convolutions cope far better than dense layers when a garment is shifted.",
        "After four passes over the images, they beat a dense network of the same size, but not "
        "clearly one that calculates as much.",
        "Shuffle the pixels of all images in the same way, and no advantage is found.",
    ),
    claims=(
        outcome("better", CONVOLUTIONS, COMPUTE, "shifted_accuracy"),
        difference_between(CONVOLUTIONS, COMPUTE, "shifted_accuracy", 0.1, 0.2),
        difference_between(CONVOLUTIONS, PARAMETERS, "shifted_accuracy", 0.1, 0.2),
        outcome("better", CONVOLUTIONS, PARAMETERS),
        outcome(NO_DIFFERENCE, CONVOLUTIONS, COMPUTE),
        difference_between(CONVOLUTIONS, COMPUTE, "accuracy", 0.01, 0.02),
        outcome(NO_DIFFERENCE, SHUFFLED_CNN, SHUFFLED_DENSE),
        *(leads_throughout(CONVOLUTIONS, n, "shift_accuracies") for n in (PARAMETERS, COMPUTE)),
        *(trained_with(name, epochs=4, learning_rate=0.001) for name in WORDS),
        trained_with(PARAMETERS, dense_layers=1),
        trained_with(COMPUTE, dense_layers=2),
        changes(_sized(CONVOLUTIONS, SOME), CONVOLUTIONS, "train_size", "epochs"),
    ),
    figure=1,
    caption=(
        "Right answers when the garment moves by 0 to 6 pixels. The network with convolutions is "
        "ahead at every distance."
    ),
    caveats=(
        "All networks on all images trained for four epochs at one learning rate. How they compare "
        "after longer training was not measured.",
        "The dense network of equal arithmetic has two hidden layers, that of equal size has one. "
        "So depth differs as well as size.",
        "Networks on fewer images trained for more epochs, or they would have made too few steps.",
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
        "ankleboot train plain --set architecture=mlp --set dense_units=512"
        "  # a wide layer instead of the convolutions",
        "ankleboot train plain --set architecture=mlp --set dense_layers=3 --set dropout=0.3"
        "  # three layers, with dropout",
        "ankleboot train plain --set train_size=1000 --set epochs=25  # convolutions, few images",
    ),
    plain=PLAIN_ANSWER,
    minutes=13.0,
)
