"""What prevents overfitting: dropout, augmentation, early stopping, L2, all, more images."""

from dataclasses import replace
from typing import Any

import numpy as np

from ankleboot.recipes.catalog import LEAKY
from ankleboot.studies.charts import Curves, Dots
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(LEAKY, precision="auto", batch_size=128)
"""The second ancestor with its 20 epochs, in batches of 128 for its 64: there are 70 runs."""

FEW, SOME, EVERY = "few images", "some images", "all images"
SIZES = {FEW: 600, SOME: 4_800, EVERY: 0}
BATCHES = {FEW: 16}
"""Smaller where there are so few images that a network would get no steps to learn them in."""

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


def answer(found: StudyResults) -> tuple[str, str, str]:
    """The ancestor's overfitting; each means; all of them over sizes."""
    bare = _bare(found)
    best = join_and([f"{epoch:.0f}" for epoch in sorted(found.values(bare, "best_epoch"))])
    first = (
        f"With nothing against it the second ancestor's network, on {_images(found, bare)} images, "
        f"has its lowest validation loss after epoch {best}; at the end of the run it is "
        f"{found.show(bare, 'loss_rise')} higher, training images are right in "
        f"{found.show(bare, 'known_accuracy')} and validation images in "
        f"{found.show(bare, 'accuracy')} of the cases."
    )
    there = [one for one in found.variants if one.endswith(SOME)]
    each = join_clauses(
        [
            f"On {_images(found, there[0])} images the gap (and the calibration error) is "
            + join_and(
                [
                    f"{found.show(one, 'gap')} ({found.show(one, 'ece')}) with {_means(one)}"
                    for one in there
                ]
            ),
            *describe_differences(
                (one for one in found.compared("accuracy") if one.first in there), _means
            ),
        ]
    )
    gains = [
        f"{found.show(_name(NONE, one), 'accuracy')} and {found.show(_name(ALL, one), 'accuracy')} "
        f"on {_images(found, _name(NONE, one))} images"
        for one in _sizes(found)
    ]
    more = join_clauses(
        [
            f"With nothing and with all of them {join_and(gains)} are right",
            *describe_differences(
                one for one in found.compared("accuracy") if one.first not in there
            ),
        ]
    )
    return first, each, more


def _bare(found: StudyResults) -> str:
    return next(one for one in (_name(NONE, EVERY), _name(NONE, SOME)) if found.has(one))


def _images(found: StudyResults, variant: str) -> str:
    return f"{found.mean(variant, 'num_train'):,.0f}"


def _sizes(found: StudyResults) -> list[str]:
    return [one for one in SIZES if found.has(_name(NONE, one)) and found.has(_name(ALL, one))]


def _means(variant: str) -> str:
    return variant.partition(",")[0]


def charts(found: StudyResults) -> tuple[Chart, ...]:
    """Losses of the bare network by epoch; gaps; accuracy and calibration by size."""
    bare = _bare(found)
    curves = {part: found.series(bare, f"{part}_loss_by_epoch") for part in ("train", "validation")}
    gaps = {one: [100 * gap for gap in found.values(one, "gap")] for one in found.variants}
    return (
        Curves(
            f"Loss by epoch with nothing against overfitting, {_images(found, bare)} images",
            {part: list(range(1, curve.shape[1] + 1)) for part, curve in curves.items()},
            curves,
            "epoch",
            "loss (cross-entropy)",
        ),
        Dots("Training accuracy less validation accuracy", gaps, "points"),
        _by_size(found, "accuracy", "Validation accuracy by the number of training images"),
        _by_size(found, "gap", "Gap by the number of training images"),
        _by_size(found, "ece", "Calibration error by the number of training images"),
    )


def _by_size(found: StudyResults, key: str, title: str) -> Curves:
    """A share of every means over the sizes that were run, in per cent."""
    there = {
        means: [one for one in SIZES if found.has(_name(means, one))]
        for means in (NONE, *MEANS, ALL)
    }
    values = {
        means: [found.values(_name(means, one), key) for one in sizes]
        for means, sizes in there.items()
    }
    return Curves(
        title,
        {
            means: [found.mean(_name(means, one), "num_train") for one in sizes]
            for means, sizes in there.items()
        },
        {
            means: 100 * np.array([one[: min(map(len, runs))] for one in runs]).T
            for means, runs in values.items()
        },
        "training images",
        f"{QUANTITIES[key].words} in %",
        log_x=True,
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
    measures=("answers", "counts", "fit"),
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
