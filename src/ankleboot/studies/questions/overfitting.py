"""Overfitting: dropout, augmentation, early stopping, L2, all of them, more images."""

from dataclasses import replace
from typing import Any

from ankleboot.recipes.catalog import LEAKY
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(LEAKY, precision="auto", batch_size=128)
"""`leaky` with its 20 epochs, in batches of 128 instead of 64, because there are 70 runs."""

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
        "With nothing against it the second ancestor's network, on "
        f"{show(bare, 'num_train')} images, has its lowest validation loss after epoch {best}; at "
        f"the end of the run it is {show(bare, 'loss_rise')} higher, training images are right in "
        f"{show(bare, 'known_accuracy')} and validation images in {show(bare, 'accuracy')} of the "
        "cases."
    )
    medium = [variant for variant in results.variants if variant.endswith(SOME)]
    gaps = [
        f"{show(variant, 'gap')} ({show(variant, 'ece')}) with {_means(variant)}"
        for variant in medium
    ]
    compared = results.comparisons_in("accuracy")
    each = join_clauses(
        f"On {show(medium[0], 'num_train')} images the gap (and the calibration error) is "
        f"{join_and(gaps)}",
        *describe_differences((result for result in compared if result.first in medium), _means),
    )
    gains = [
        f"{show(bare, 'accuracy')} and {show(full, 'accuracy')} on {show(bare, 'num_train')} images"
        for bare, full in ((_name(NONE, size), _name(ALL, size)) for size in SIZES)
        if results.has(bare) and results.has(full)
    ]
    more = join_clauses(
        f"With nothing and with all of them {join_and(gains)} are right",
        *describe_differences(result for result in compared if result.first not in medium),
    )
    return first, each, more


def _bare(results: StudyResults) -> str:
    return next(name for size in (EVERY, SOME) if results.has(name := _name(NONE, size)))


def _means(variant: str) -> str:
    return variant.partition(",")[0]


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


STUDY = Study(
    name="overfitting",
    question="What prevents overfitting?",
    hypothesis=(
        "The second ancestor overfits after about epoch 5; dropout, augmentation, early stopping "
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
        *(Comparison("accuracy", _name(m, SOME), _name(NONE, SOME)) for m in MEANS if m != NONE),
        Comparison("accuracy", _name(ALL, EVERY), _name(NONE, EVERY)),
    ),
    columns=("accuracy", "known_accuracy", "gap", "best_epoch", "loss", "loss_rise", "ece"),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot train leaky --set dropout=0.3 --set patience=3",
        "ankleboot train leaky --set flip=true --set max_shift=2 --set precision=auto",
        "ankleboot train leaky --set l2=0.0005 --set train_size=4800",
    ),
    minutes=75.0,
)
