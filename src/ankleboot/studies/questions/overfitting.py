"""Overfitting: dropout, augmentation, early stopping, L2, all of them, more images."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ankleboot.recipes.catalog import LEAKY
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(LEAKY, precision="auto", batch_size=128)
"""`leaky` with its 20 epochs, in batches of 128 instead of 64, because there are 70 runs."""

FEW, SOME, EVERY = "few images", "some images", "all images"
SIZES = {FEW: 600, SOME: 4_800, EVERY: 0}
BATCHES = {FEW: 16}
"""Batch sizes that differ: few images in large batches would give too few steps."""

NONE, ALL = "nothing", "all of them"
MEANS: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.3},
    "augmentation": {"flip": True, "max_shift": 2},
    "early stopping": {"patience": 3},
    "L2": {"l2": 5e-4},
}
TOGETHER = {"dropout": 0.2, "flip": True, "max_shift": 1, "patience": 3, "l2": 1e-4}


def _name(means: str, size: str) -> str:
    return f"{means}, {size}"


def _variant(means: str, size: str, epochs: int = BASE.epochs) -> Variant:
    change = TOGETHER if means == ALL else MEANS.get(means, {})
    batch = BATCHES.get(size, BASE.batch_size)
    recipe = replace(BASE, train_size=SIZES[size], batch_size=batch, epochs=epochs, **change)
    return Variant(name=_name(means, size), recipe=recipe)


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the overfitting of the bare network, each means, and all of them by size."""
    bare = _bare(results)
    best = join_and([f"{epoch:.0f}" for epoch in sorted(results.values(bare, "best_epoch"))])
    first = (
        f"With nothing against it the second ancestor's network, on {_images(results, bare)} "
        f"images, has its lowest validation loss after epoch {best}; at the end of the run it is "
        f"{results.show(bare, 'loss_rise')} higher, training images are right in "
        f"{results.show(bare, 'known_accuracy')} and validation images in "
        f"{results.show(bare, 'accuracy')} of the cases."
    )
    medium = [variant for variant in results.variants if variant.endswith(SOME)]
    each = join_clauses(
        [
            f"On {_images(results, medium[0])} images the gap (and the calibration error) is "
            + join_and(
                [
                    f"{results.show(variant, 'gap')} ({results.show(variant, 'ece')}) "
                    f"with {_means(variant)}"
                    for variant in medium
                ]
            ),
            *describe_differences(
                (result for result in results.comparisons_in("accuracy") if result.first in medium),
                _means,
            ),
        ]
    )
    gains = [
        f"{results.show(_name(NONE, size), 'accuracy')} and "
        f"{results.show(_name(ALL, size), 'accuracy')} "
        f"on {_images(results, _name(NONE, size))} images"
        for size in _sizes(results)
    ]
    more = join_clauses(
        [
            f"With nothing and with all of them {join_and(gains)} are right",
            *describe_differences(
                result
                for result in results.comparisons_in("accuracy")
                if result.first not in medium
            ),
        ]
    )
    return first, each, more


def _bare(results: StudyResults) -> str:
    return next(
        variant for variant in (_name(NONE, EVERY), _name(NONE, SOME)) if results.has(variant)
    )


def _images(results: StudyResults, variant: str) -> str:
    return f"{results.mean(variant, 'num_train'):,.0f}"


def _sizes(results: StudyResults) -> list[str]:
    return [
        size for size in SIZES if results.has(_name(NONE, size)) and results.has(_name(ALL, size))
    ]


def _means(variant: str) -> str:
    return variant.partition(",")[0]


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot losses of the bare network, gaps, and accuracy and calibration by size."""
    from ankleboot.evaluation import plots

    bare = _bare(results)
    curves = {
        split: results.series(bare, f"{split}_loss_by_epoch") for split in ("train", "validation")
    }
    gaps = {variant: results.percent(variant, "gap") for variant in results.variants}
    return (
        Chart(
            f"Loss by epoch with nothing against overfitting, {_images(results, bare)} images",
            partial(
                plots.curves_with_range,
                {split: list(range(1, curve.shape[1] + 1)) for split, curve in curves.items()},
                curves,
                "epoch",
                "loss (cross-entropy)",
            ),
        ),
        Chart(
            "Training accuracy less validation accuracy", partial(plots.strip_plot, gaps, "points")
        ),
        _by_size(results, "accuracy", "Validation accuracy by the number of training images"),
        _by_size(results, "gap", "Gap by the number of training images"),
        _by_size(results, "ece", "Calibration error by the number of training images"),
    )


def _by_size(results: StudyResults, key: str, title: str) -> Chart:
    """Plot a share of every means in percent by the number of training images."""
    from ankleboot.evaluation import plots

    sizes_of = {
        means: [size for size in SIZES if results.has(_name(means, size))]
        for means in (NONE, *MEANS, ALL)
    }
    values = {
        means: [results.values(_name(means, size), key) for size in sizes]
        for means, sizes in sizes_of.items()
    }
    return Chart(
        title,
        partial(
            plots.curves_with_range,
            {
                means: [results.mean(_name(means, size), "num_train") for size in sizes]
                for means, sizes in sizes_of.items()
            },
            {
                means: 100 * np.array([values[: min(map(len, runs))] for values in runs]).T
                for means, runs in values.items()
            },
            "training images",
            f"{QUANTITIES[key].words} in %",
            log_x=True,
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
        *(_variant(means, size) for size in (FEW, SOME) for means in (NONE, *MEANS, ALL)),
        *(_variant(means, EVERY) for means in (NONE, ALL)),  # a run takes minutes there
    ),
    quick=tuple(_variant(means, SOME, 8) for means in (NONE, *MEANS, ALL)),
    measures=(
        "accuracy:measure_accuracy",
        "data_size:measure_data_size",
        "overfitting:measure_overfitting",
    ),
    comparisons=(
        *(Comparison("accuracy", _name(means, SOME), _name(NONE, SOME)) for means in (*MEANS, ALL)),
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
