"""Overfitting: dropout, augmentation, early stopping, L2, all of them, more images."""

from dataclasses import replace
from typing import Any

from ankleboot.recipes.catalog import LEAKY
from ankleboot.studies.claims import (
    always_above,
    difference_between,
    mean_between,
    outcome,
    trained_with,
)
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and
from ankleboot.studies.study import Chart, Claim, Comparison, PlainAnswer, Study, Variant

BASE = replace(LEAKY, precision="auto", batch_size=128)
"""`leaky` with its 20 epochs, in batches of 128 instead of 64, because there are 84 runs."""

FEW, SOME, EVERY = "few images", "some images", "all images"
SIZES = {FEW: (600, 16), SOME: (4_800, 128), EVERY: (0, 128)}
"""Images and batch sizes: few images in large batches would give too few steps."""

NONE, ALL = "nothing", "all of them"
MEANS: dict[str, dict[str, Any]] = {
    NONE: {},
    "dropout": {"dropout": 0.3},
    "augmentation": {"flip": True, "max_shift": 2},
    "early stopping": {"patience": 3},
    "L2": {"l2": 5e-4},
    ALL: {"dropout": 0.2, "flip": True, "max_shift": 1, "patience": 3, "l2": 1e-4},
}


def _name(means: str, size: str) -> str:
    return f"{means}, {size}"


def _variant(means: str, size: str, epochs: int = BASE.epochs) -> Variant:
    images, batch = SIZES[size]
    recipe = replace(BASE, train_size=images, batch_size=batch, epochs=epochs, **MEANS[means])
    return Variant(name=_name(means, size), recipe=recipe)


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the overfitting of the bare network, each means, and all of them by size."""
    show, bare = results.show, _bare(results)
    best = join_and([f"{epoch:.0f}" for epoch in sorted(results.values(bare, "best_epoch"))])
    first = (
        f"Without a remedy, on {show(bare, 'num_train')} images, the validation loss is lowest "
        f"after epoch {best}. At the end it is {show(bare, 'loss_rise')} higher. Then "
        f"{show(bare, 'known_accuracy')} of the training images are right, but only "
        f"{show(bare, 'accuracy')} of the validation images."
    )
    medium = [variant for variant in results.variants if variant.endswith(SOME)]
    gaps, errors = (
        join_and([f"{show(variant, key)} {_with(variant)}" for variant in medium])
        for key in ("gap", "ece")
    )
    each = (
        f"On {show(medium[0], 'num_train')} images, the gap between training and validation "
        f"accuracy is {gaps}. The calibration error is {errors}. "
        f"{_differences(results, SOME)}"
    )
    gains = [
        f"{show(bare, 'accuracy')} and {show(full, 'accuracy')} on {show(bare, 'num_train')} images"
        for bare, full in ((_name(NONE, size), _name(ALL, size)) for size in SIZES)
        if results.has(bare) and results.has(full)
    ]
    more = (
        f"Without a remedy and with the combination, these shares are right: {join_and(gains)}. "
        f"{_differences(results, EVERY)} {_effect_of_images(results)}"
    )
    return first, each, more.strip()


def _differences(results: StudyResults, size: str) -> str:
    """Describe what the remedies change on so many images."""
    tested = (*results.comparisons_in("gap"), *results.comparisons_in("accuracy"))
    same_size = [r for r in tested if r.first.endswith(size) and r.second.endswith(size)]
    return describe_differences(same_size, _in_words)


def _effect_of_images(results: StudyResults) -> str:
    """Describe what ten times as many images change without a remedy."""
    sizes = BARE[EVERY], BARE[SOME]
    return describe_differences(
        [
            result
            for result in results.comparisons_in("gap")
            if (result.first, result.second) == sizes
        ],
        lambda name: f"{_in_words(name)} on {results.show(name, 'num_train')} images",
    )


def _bare(results: StudyResults) -> str:
    return next(name for size in (EVERY, SOME) if results.has(name := _name(NONE, size)))


def _in_words(variant: str) -> str:
    means = variant.partition(",")[0]
    return {NONE: "the network without a remedy", ALL: "the combination"}.get(means, means)


def _with(variant: str) -> str:
    words = _in_words(variant)
    return "without a remedy" if words.endswith("a remedy") else f"with {words}"


def _finds_no_gain(results: StudyResults) -> bool:
    """Check that no remedy was found to be better."""
    return not any(result.is_better for result in results.comparisons_in("accuracy"))


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot losses of the bare network, gaps, and accuracy and calibration by size."""
    from ankleboot.studies.charts import by_run, by_size, curves

    bare = _bare(results)
    losses = {
        split: results.series(bare, f"{split}_loss_by_epoch") for split in ("train", "validation")
    }
    by_means = {means: [_name(means, size) for size in SIZES] for means in MEANS}
    shares = {"accuracy": "Validation accuracy", "gap": "Gap", "ece": "Calibration error"}
    images = results.show(bare, "num_train")
    title = f"Loss by epoch with nothing against overfitting, {images} images"
    return (
        curves(title, losses, "epoch", "loss (cross-entropy)"),
        by_run(results, "gap", "Training accuracy less validation accuracy", "points"),
        *(
            by_size(results, key, f"{name} by the number of training images", by_means)
            for key, name in shares.items()
        ),
    )


BARE = {size: _name(NONE, size) for size in SIZES}
REMEDIES = tuple(means for means in MEANS if means != NONE)
AUGMENTED = _name("augmentation", SOME)
PLAIN_ANSWER = PlainAnswer(
    sentences=(
        "On 4,800 images, each remedy shrank the gap between known and new ones.",
        "None was found to give more right answers within 20 passes over the images, and "
        "augmentation gave fewer.",
        "Ten times as many images gave over four more right answers in a hundred.",
    ),
    claims=(
        *(outcome("lower", _name(means, SOME), BARE[SOME], "gap") for means in REMEDIES),
        *(
            difference_between(BARE[size], _name(means, size), "gap", 0.0, 1.0)
            for size in (FEW, SOME)
            for means in REMEDIES
        ),
        outcome("lower", _name(ALL, EVERY), BARE[EVERY], "gap"),
        Claim("no remedy is better in validation accuracy", _finds_no_gain),
        outcome("worse", AUGMENTED, BARE[SOME]),
        difference_between(BARE[EVERY], BARE[SOME], "accuracy", 0.04, 0.05),
        always_above(BARE[EVERY], BARE[SOME], "accuracy"),
        mean_between(BARE[EVERY], "num_train", 47_999, 48_001),
        *(trained_with(_name(m, SOME), train_size=4_800, epochs=20) for m in MEANS),
        trained_with(BARE[EVERY], epochs=20, batch_size=128),
        trained_with(BARE[SOME], batch_size=128),
        mean_between(AUGMENTED, "best_epoch", 18.5, 19.5),
        outcome("lower", BARE[EVERY], BARE[SOME], "gap"),
        *(
            difference_between(BARE[EVERY], _name(means, SOME), "gap", 0.0, 0.1)
            for means in REMEDIES
        ),
        trained_with(_name(ALL, SOME), dropout=0.2, max_shift=1, l2=1e-4),
        trained_with(_name("dropout", SOME), dropout=0.3),
        trained_with(AUGMENTED, max_shift=2),
        trained_with(_name("L2", SOME), l2=5e-4),
    ),
    figure=1,
    caption=(
        "Right answers on training images less those on validation images, for every run. For "
        "each number of images the gap is widest, on average, with no remedy."
    ),
    caveats=(
        "On 600 images the gap was measured and not tested.",
        "All networks trained for at most 20 epochs. With augmentation the loss was lowest after "
        "19 of them on average, so longer training may change the answer.",
        "The combination uses weaker settings than the single remedies: dropout 0.2 instead of "
        "0.3, shifts by 1 pixel instead of 2, and L2 0.0001 instead of 0.0005.",
        "Ten times as many images shrank the gap, but less than each remedy did.",
        "Two things change at once with ten times as many images: at equal epochs the network also "
        "makes ten times as many steps.",
    ),
)

STUDY = Study(
    name="overfitting",
    question="What prevents overfitting?",
    hypothesis=(
        "The recipe `leaky` overfits after about epoch 5. Dropout, augmentation, early stopping "
        "and L2 each close part of the gap, all together most of it, more images more than any."
    ),
    variants=(
        *(_variant(means, size) for size in (FEW, SOME) for means in MEANS),
        *(_variant(means, EVERY) for means in (NONE, ALL)),  # a run takes minutes there
    ),
    quick=tuple(_variant(means, SOME, 8) for means in MEANS),
    measures=(
        "accuracy:measure_accuracy",
        "data_size:measure_data_size",
        "overfitting:measure_overfitting",
    ),
    comparisons=(
        *(
            Comparison(quantity, _name(means, SOME), BARE[SOME])
            for quantity in ("accuracy", "gap")
            for means in REMEDIES
        ),
        Comparison("accuracy", _name(ALL, EVERY), BARE[EVERY]),
        Comparison("gap", _name(ALL, EVERY), BARE[EVERY]),
        Comparison("gap", BARE[EVERY], BARE[SOME]),
    ),
    columns=("accuracy", "known_accuracy", "gap", "best_epoch", "loss", "loss_rise", "ece"),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot train leaky --set dropout=0.3 --set patience=3"
        "  # dropout, and stop when the validation loss rises",
        "ankleboot train leaky --set flip=true --set max_shift=2 --set epochs=60"
        "  # augmentation with three times the epochs",
        "ankleboot train leaky --set l2=0.0005 --set train_size=4800  # small weights, few images",
    ),
    plain=PLAIN_ANSWER,
    seeds=6,  # five cannot reject that many comparisons, whose smallest p-value is 1/126
    minutes=60.0,
)
