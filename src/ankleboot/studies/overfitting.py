"""What prevents overfitting: dropout, augmentation, early stopping, L2, all, more images."""

from dataclasses import replace
from typing import Any

from ankleboot.recipes import LEAKY, Recipe
from ankleboot.studies.charts import Curves, Dots
from ankleboot.studies.findings import Findings
from ankleboot.studies.study import Chart, Study, Variant, Versus
from ankleboot.studies.wording import compared, joined, listed

BASE = replace(LEAKY, precision="auto", batch_size=128)
"""The second ancestor with its 20 epochs, in batches of 128 for its 64: there are 50 runs."""

SIZES = (600, 4_800, 48_000)
MIDDLE, WHOLE = SIZES[1], SIZES[2]
NONE, ALL = "nothing", "all of them"
MEANS: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.3},
    "augmentation": {"flip": True, "shift": 2},
    "early stopping": {"early_stopping": 3},
    "L2": {"l2": 5e-4},
}
TOGETHER = {"dropout": 0.2, "flip": True, "shift": 1, "early_stopping": 3, "l2": 1e-4}


def _name(means: str, size: int) -> str:
    return f"{means}, {size:,} images"


def _recipe(means: str, size: int, epochs: int) -> Recipe:
    change = TOGETHER if means == ALL else MEANS.get(means, {})
    train_size = 0 if size == WHOLE else size
    return replace(BASE, train_size=train_size, epochs=epochs, **change)


def _variant(means: str, size: int, epochs: int = BASE.epochs) -> Variant:
    return Variant(name=_name(means, size), recipe=_recipe(means, size, epochs))


def answer(found: Findings) -> tuple[str, str, str]:
    """The ancestor's overfitting; each means; all of them over sizes."""
    size = WHOLE if found.has(_name(NONE, WHOLE)) else MIDDLE
    bare = _name(NONE, size)
    best = listed([f"{epoch:.0f}" for epoch in sorted(found.values(bare, "best_epoch"))])
    first = (
        f"With nothing against it the second ancestor's network, on {size:,} images, has its "
        f"lowest validation loss after epoch {best}; at the end of the run it is "
        f"{found.show(bare, 'loss_rise')} higher, training images are right in "
        f"{found.show(bare, 'known_accuracy')} and validation images in "
        f"{found.show(bare, 'accuracy')} of the cases."
    )
    there = [one for one in found.variants if one.endswith(_name("", MIDDLE))]
    each = joined(
        [
            f"On {MIDDLE:,} images the gap is "
            + listed([f"{found.show(one, 'gap')} ({_means(one)})" for one in there]),
            *(
                compared(one, first=_means(one.first), second=_means(one.second))
                for one in found.compared("accuracy")
                if one.first in there
            ),
        ]
    )
    sizes = [one for one in SIZES if found.has(_name(NONE, one)) and found.has(_name(ALL, one))]
    gains = [
        f"{found.mean(_name(NONE, one), 'accuracy') * 100:.2f} and "
        f"{found.mean(_name(ALL, one), 'accuracy') * 100:.2f} % on {one:,} images"
        for one in sizes
    ]
    more = joined(
        [
            f"More images help as well: with nothing and with all of it {listed(gains)} are right",
            *(compared(one) for one in found.compared("accuracy") if one.first not in there),
        ]
    )
    return first, each, more


def _means(variant: str) -> str:
    return variant.partition(",")[0]


def charts(found: Findings) -> tuple[Chart, ...]:
    """Losses of the bare network by epoch; gaps; accuracy by size."""
    size = WHOLE if found.has(_name(NONE, WHOLE)) else MIDDLE
    bare = _name(NONE, size)
    curves = {part: found.series(bare, f"{part}_loss_by_epoch") for part in ("train", "validation")}
    gaps = {one: [100 * gap for gap in found.values(one, "gap")] for one in found.variants}
    by_size = {
        means: [one for one in SIZES if found.has(_name(means, one))] for means in (NONE, ALL)
    }
    return (
        Curves(
            f"Loss by epoch with nothing against overfitting, {size:,} images",
            {part: list(range(1, curve.shape[1] + 1)) for part, curve in curves.items()},
            curves,
            "epoch",
            "loss (cross-entropy)",
        ),
        Dots("Training accuracy less validation accuracy", gaps, "points"),
        Curves(
            "Validation accuracy by the number of training images",
            by_size,
            {means: _by_size(found, means, sizes) for means, sizes in by_size.items()},
            "training images",
            "validation accuracy in %",
            log_x=True,
        ),
    )


def _by_size(found: Findings, means: str, sizes: list[int]) -> Any:
    import numpy as np

    runs = [found.values(_name(means, one), "accuracy") for one in sizes]
    least = min(map(len, runs))
    return 100 * np.array([one[:least] for one in runs]).T


STUDY = Study(
    name="overfitting",
    question="What prevents overfitting?",
    hypothesis=(
        "The second ancestor overfits after about epoch 5; dropout, augmentation, early stopping "
        "and L2 each close part of the gap, all together most of it, more images more than any."
    ),
    variants=(
        *(_variant(means, MIDDLE) for means in (NONE, *MEANS, ALL)),
        *(_variant(means, size) for size in (SIZES[0], WHOLE) for means in (NONE, ALL)),
    ),
    quick=tuple(_variant(means, MIDDLE, 8) for means in (NONE, *MEANS, ALL)),
    measures=("answers", "fit"),
    comparisons=(
        *(Versus("accuracy", _name(means, MIDDLE), _name(NONE, MIDDLE)) for means in (*MEANS, ALL)),
        Versus("accuracy", _name(ALL, WHOLE), _name(NONE, WHOLE)),
    ),
    columns=("accuracy", "known_accuracy", "gap", "best_epoch", "loss", "loss_rise", "ece"),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot train leaky --set dropout=0.3 --set early_stopping=3",
        "ankleboot train leaky --set flip=true --set shift=2 --set precision=auto",
        "ankleboot train leaky --set l2=0.0005 --set train_size=4800",
    ),
    minutes=30,
)
