"""Filters: likeness to edge detectors, ablation, linear probes by depth."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.studies.questions.base import DEEP_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_difference, join_and, join_clauses
from ankleboot.studies.study import Chart, Comparison, Study, Variant

BASE = replace(DEEP_CNN, kernel_size=5)
TRAINED, UNTRAINED = "trained", "untrained"


def _variants(epochs: int) -> tuple[Variant, ...]:
    idle = replace(
        BASE, epochs=1, train_size=100, optimizer="sgd", momentum=0.0, learning_rate=1e-8
    )
    return (
        Variant(
            name=TRAINED,
            recipe=replace(BASE, epochs=epochs),
            measures=("filters:measure_ablation", "filters:show_units"),
        ),
        Variant(name=UNTRAINED, recipe=idle),  # one step of almost no length
    )


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the likeness to edge detectors, the ablation, and the linear probes."""
    first = join_clauses(
        [
            "The kernels of the first convolution correlate with the best of Gabor's patterns by "
            f"{results.show(TRAINED, 'gabor_match')} (median), untrained ones by "
            f"{results.show(UNTRAINED, 'gabor_match')}; with Sobel's edges by "
            f"{results.show(TRAINED, 'sobel_match')} and {results.show(UNTRAINED, 'sobel_match')}",
            *(
                describe_difference(results.comparison(key, TRAINED, UNTRAINED))
                for key in ("gabor_match", "sobel_match")
            ),
        ]
    )
    silenced = len(results.values(TRAINED, "largest_drop"))
    second = (
        "Silencing one filter of the first convolution costs "
        f"{results.show(TRAINED, 'median_drop')} of accuracy for the median filter and "
        f"{results.show(TRAINED, 'largest_drop')} for the most needed one (means over {silenced} "
        f"{'run' if silenced == 1 else 'runs'})."
    )
    depths: list[str] = results.first_value(TRAINED, "probe_depths")
    shares = {
        name: results.series(name, "probe_accuracies").mean(axis=0) for name in results.variants
    }
    known = {
        name: join_and(
            [f"{100 * value:.1f} % ({depth})" for depth, value in zip(depths, values, strict=True)]
        )
        for name, values in shares.items()
    }
    third = join_clauses(
        [
            f"A linear reader gets {known[TRAINED]} right; without training {known[UNTRAINED]}",
            describe_difference(results.comparison("probe_deepest", TRAINED, UNTRAINED)),
            f"a value of the last block sees {results.show(TRAINED, 'receptive_field')} pixels",
        ]
    )
    return first, second, third


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot kernels, images that excite units, maps, probes and ablation."""
    from ankleboot.evaluation import plots

    matches: list[float] = results.first_value(TRAINED, "kernel_matches")
    kernels = [np.array(kernel) for kernel in results.first_value(TRAINED, "kernels")]
    images = {
        name: {
            block: [unpack_array(tile) for tile in tiles]
            for block, tiles in results.first_value(TRAINED, name).items()
        }
        for name in ("dreams", "favourites", "maps")
    }
    depths: list[str] = results.first_value(TRAINED, "probe_depths")
    drops = results.series(TRAINED, "ablation_drops")
    ordered = -np.sort(-drops, axis=1)
    return (
        Chart(
            "First kernels and their likeness to Gabor's patterns (red positive, blue negative)",
            partial(
                plots.image_rows,
                _halves(kernels),
                _halves([f"{value:.2f}" for value in matches]),
                signed=True,
            ),
            has_pixels=True,
        ),
        Chart(
            "What excites a unit most: found by gradient ascent",
            partial(plots.image_rows, images["dreams"], {}),
            has_pixels=True,
        ),
        Chart(
            "Validation images that excite the same units most",
            partial(plots.image_rows, images["favourites"], {}),
            has_pixels=True,
        ),
        Chart(
            "What one image becomes: maps of the same units",
            partial(plots.image_rows, images["maps"], {}),
            has_pixels=True,
        ),
        Chart(
            "What a linear reader gets right, by depth",
            partial(
                plots.curves_with_range,
                {name: list(range(len(depths))) for name in results.variants},
                {name: 100 * results.series(name, "probe_accuracies") for name in results.variants},
                "what is read",
                "validation accuracy in %",
                names=depths,
            ),
        ),
        Chart(
            "What silencing one filter of the first convolution costs, the most needed first",
            partial(
                plots.curves_with_range,
                {TRAINED: list(range(1, ordered.shape[1] + 1))},
                {TRAINED: 100 * ordered},
                "filter",
                "points of accuracy",
            ),
        ),
        Chart(
            "Likeness of the first kernels to Gabor's patterns (median)",
            partial(
                plots.strip_plot,
                {name: results.values(name, "gabor_match") for name in results.variants},
                "correlation",
            ),
        ),
    )


def _halves(ordered: list[Any]) -> dict[str, list[Any]]:
    """Split an ordered list into a row of the most and a row of the least alike."""
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
    measures=(
        "accuracy:measure_accuracy",
        "cost:measure_receptive_field",
        "filters:measure_kernels",
        "filters:measure_probes",
    ),
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
