"""What filters do, and what deeper layers see."""

from dataclasses import replace
from typing import Any

import numpy as np

from ankleboot.recipes.catalog import PLAIN
from ankleboot.studies.charts import Curves, Dots, Tiles
from ankleboot.studies.packing import unpacked
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_difference, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(
    PLAIN,
    blocks=3,
    filters=16,
    kernel_size=5,
    padding="same",
    dense_units=64,
    schedule="one_cycle",
    learning_rate=3e-3,
    batch_size=128,
    epochs=3,
    precision="auto",
)
TRAINED, UNTRAINED = "trained", "untrained"


def _variants(epochs: int) -> tuple[Variant, ...]:
    idle = replace(
        BASE, epochs=1, train_size=100, optimizer="sgd", momentum=0.0, learning_rate=1e-8
    )
    return (
        Variant(
            name=TRAINED, recipe=replace(BASE, epochs=epochs), measures=("ablation", "pictures")
        ),
        Variant(name=UNTRAINED, recipe=idle),  # one step of no length: what chance gives
    )


def answer(found: StudyResults) -> tuple[str, str, str]:
    """Edges; what a filter is worth; what layers know."""
    first = join_clauses(
        [
            "The kernels of the first convolution correlate with the best of Gabor's patterns by "
            f"{found.show(TRAINED, 'gabor_match')} (median), untrained ones by "
            f"{found.show(UNTRAINED, 'gabor_match')}; with Sobel's edges by "
            f"{found.show(TRAINED, 'sobel_match')} and {found.show(UNTRAINED, 'sobel_match')}",
            *(
                describe_difference(found.difference(key, TRAINED, UNTRAINED))
                for key in ("gabor_match", "sobel_match")
            ),
        ]
    )
    silenced = len(found.values(TRAINED, "largest_drop"))
    second = (
        "Silencing one filter of the first convolution costs "
        f"{found.show(TRAINED, 'median_drop')} of accuracy for the median filter and "
        f"{found.show(TRAINED, 'largest_drop')} for the most needed one (means over {silenced} "
        f"{'run' if silenced == 1 else 'runs'})."
    )
    depths: list[str] = found.first(TRAINED, "probe_depths")
    shares = {name: found.series(name, "probe_accuracies").mean(axis=0) for name in found.variants}
    known = {
        name: join_and(
            [f"{100 * value:.1f} % ({depth})" for depth, value in zip(depths, values, strict=True)]
        )
        for name, values in shares.items()
    }
    third = join_clauses(
        [
            f"A linear reader gets {known[TRAINED]} right; without training {known[UNTRAINED]}",
            describe_difference(found.difference("probe_deepest", TRAINED, UNTRAINED)),
            f"a value of the last block sees {found.show(TRAINED, 'receptive_field')} pixels",
        ]
    )
    return first, second, third


def charts(found: StudyResults) -> tuple[Chart, ...]:
    """Kernels, dreams, favourites, maps, probes, ablation."""
    matches: list[float] = found.first(TRAINED, "kernel_matches")
    kernels = [np.array(one) for one in found.first(TRAINED, "kernels")]
    seen = {
        name: {
            block: [unpacked(one) for one in tiles]
            for block, tiles in found.first(TRAINED, name).items()
        }
        for name in ("dreams", "favourites", "maps")
    }
    depths: list[str] = found.first(TRAINED, "probe_depths")
    drops = found.series(TRAINED, "ablation_drops")
    ordered = -np.sort(-drops, axis=1)
    return (
        Tiles(
            "First kernels and their likeness to Gabor's patterns (red positive, blue negative)",
            _halves(kernels),
            _halves([f"{one:.2f}" for one in matches]),
            signed=True,
        ),
        Tiles("What excites a unit most: found by gradient ascent", seen["dreams"], {}),
        Tiles("Validation images that excite the same units most", seen["favourites"], {}),
        Tiles("What one image becomes: maps of the same units", seen["maps"], {}),
        Curves(
            "What a linear reader gets right, by depth",
            {name: list(range(len(depths))) for name in found.variants},
            {name: 100 * found.series(name, "probe_accuracies") for name in found.variants},
            "what is read",
            "validation accuracy in %",
            names=depths,
        ),
        Curves(
            "What silencing one filter of the first convolution costs, the most needed first",
            {TRAINED: list(range(1, ordered.shape[1] + 1))},
            {TRAINED: 100 * ordered},
            "filter",
            "points of accuracy",
        ),
        Dots(
            "Likeness of the first kernels to Gabor's patterns (median)",
            {name: found.values(name, "gabor_match") for name in found.variants},
            "correlation",
        ),
    )


def _halves(ordered: list[Any]) -> dict[str, list[Any]]:
    """Two rows: those most like the patterns and those least like them."""
    half = (len(ordered) + 1) // 2
    return {"most alike": ordered[:half], "least alike": ordered[half:]}


STUDY = Study(
    name="filters",
    question="What do filters do, and what do deeper layers see?",
    hypothesis=(
        "First filters become edge detectors; deeper units answer to larger parts of garments, and "
        "each block lays the classes open a little further for a linear reader."
    ),
    variants=_variants(BASE.epochs),
    quick=_variants(1),
    measures=("answers", "receptive_field", "edges", "probes"),
    comparisons=tuple(
        Comparison(quantity, TRAINED, UNTRAINED)
        for quantity in ("gabor_match", "sobel_match", "probe_deepest")
    ),
    columns=(
        "accuracy",
        "gabor_match",
        "sobel_match",
        "probe_pixels",
        "probe_deepest",
        "median_drop",
        "largest_drop",
        "receptive_field",
    ),
    answer=answer,
    charts=charts,
    next_steps=(
        "ankleboot explain pretrained test:0",
        "ankleboot train plain --set kernel_size=7 --set blocks=1",
        "ankleboot report runs/plain-seed0-001   # filters and maps of a run of your own",
    ),
    minutes=4.0,
)
