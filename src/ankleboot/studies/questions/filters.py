"""Filters: likeness to edge detectors, ablation, linear probes by depth."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ankleboot.core.types import unpack_array
from ankleboot.studies.claims import mean_between, outcome, trained_with
from ankleboot.studies.questions.base import DEEP_CNN
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import describe_differences, join_each
from ankleboot.studies.study import Chart, Claim, Comparison, PlainAnswer, Study, Variant

BASE = replace(DEEP_CNN, kernel_size=5)
TRAINED, UNTRAINED = "trained", "untrained"


def _variants(epochs: int) -> tuple[Variant, ...]:
    idle = replace(
        BASE, epochs=1, train_size=100, optimizer="sgd", momentum=0.0, learning_rate=1e-8
    )
    learned = replace(BASE, epochs=epochs)
    shown = ("filters:measure_ablation", "filters:show_units")
    return (
        Variant(name=TRAINED, recipe=learned, measures=shown),
        Variant(name=UNTRAINED, recipe=idle),  # one step of almost no length
    )


def answer(results: StudyResults) -> tuple[str, str, str]:
    """State the likeness to edge detectors, the ablation, and the linear probes."""
    show = results.show
    alike = [*results.comparisons_in("gabor_match"), *results.comparisons_in("sobel_match")]
    first = (
        "The correlation of a first kernel with the best of Gabor's patterns is "
        f"{show(TRAINED, 'gabor_match')} (median), and {show(UNTRAINED, 'gabor_match')} without "
        f"training. With Sobel's edges it is {show(TRAINED, 'sobel_match')} and "
        f"{show(UNTRAINED, 'sobel_match')}. {describe_differences(alike, _in_words)}"
    )
    silenced = len(results.values(TRAINED, "largest_drop"))
    second = (
        "Silencing one filter of the first convolution costs "
        f"{show(TRAINED, 'median_drop')} of accuracy for the median filter and "
        f"{show(TRAINED, 'largest_drop')} for the most needed one (means over {silenced} "
        f"{'run' if silenced == 1 else 'runs'})."
    )
    third = (
        f"A linear reader gets {_probes(results, TRAINED)} right. Without training it gets "
        f"{_probes(results, UNTRAINED)} right. "
        f"{describe_differences(results.comparisons_in('probe_deepest'), _in_words)} A value of "
        f"the last block sees {show(TRAINED, 'receptive_field')} pixels per side."
    )
    return first, second, third


def _in_words(variant: str) -> str:
    return f"the {variant} network"


def _grows_with_depth(results: StudyResults) -> bool:
    """Check that a linear reader gets more right at every further depth, on average."""
    shares = results.series(TRAINED, "probe_accuracies").mean(axis=0)
    return bool((np.diff(shares) > 0).all())


def _helps_untrained(results: StudyResults) -> bool:
    """Check that an untrained network's last block is always read better than the pixels."""
    deepest, pixels = (results.values(UNTRAINED, f"probe_{key}") for key in ("deepest", "pixels"))
    return min(deepest) > max(pixels)


def _cost_varies(results: StudyResults) -> bool:
    drops = results.values(TRAINED, "largest_drop")
    return max(drops) > 3 * min(drops)


def _probes(results: StudyResults, variant: str) -> str:
    """Format the mean accuracy of the linear readers at every depth."""
    shares = results.series(variant, "probe_accuracies").mean(axis=0)
    depths: list[str] = results.first_value(variant, "probe_depths")
    by_depth = dict(zip(depths, shares, strict=True))
    return join_each(depths, lambda depth: f"{100 * by_depth[depth]:.1f} %")


def charts(results: StudyResults) -> tuple[Chart, ...]:
    """Plot kernels, images that excite units, maps, probes and ablation."""
    from ankleboot.studies.charts import ACCURACY, by_run, curves, image_rows

    value = partial(results.first_value, TRAINED)
    matches = _halves([f"{match:.2f}" for match in value("kernel_matches")])
    kernels = _halves([np.array(kernel) for kernel in value("kernels")])
    kinds = "First kernels and their likeness to Gabor's patterns (red positive, blue negative)"
    images = {
        "dreams": "What excites a unit most: found by gradient ascent",
        "favourites": "Validation images that excite the same units most",
        "maps": "What one image becomes: maps of the same units",
    }
    reader, depths = "What a linear reader gets right, by depth", value("probe_depths")
    probes = {name: 100 * results.series(name, "probe_accuracies") for name in results.variants}
    cost = "What silencing one filter of the first convolution costs, the most needed first"
    drops = {TRAINED: 100 * -np.sort(-results.series(TRAINED, "ablation_drops"), axis=1)}
    likeness = "Likeness of the first kernels to Gabor's patterns (median)"
    return (
        image_rows(kinds, kernels, matches, signed=True),
        *(image_rows(title, _unpack_tiles(value(key)), {}) for key, title in images.items()),
        curves(reader, probes, "what is read", ACCURACY, start=0, names=depths),
        curves(cost, drops, "filter", "points of accuracy"),
        by_run(results, "gabor_match", likeness, "correlation"),
    )


def _unpack_tiles(by_block: dict[str, list[Any]]) -> dict[str, list[np.ndarray]]:
    return {block: [unpack_array(tile) for tile in tiles] for block, tiles in by_block.items()}


def _halves(ordered: list[Any]) -> dict[str, list[Any]]:
    """Split an ordered list into a row of the most and a row of the least alike."""
    half = (len(ordered) + 1) // 2
    return {"most alike": ordered[:half], "least alike": ordered[half:]}


PLAIN_ANSWER = PlainAnswer(
    sentences=(
        "Training makes the filters of the first layer more like edge detectors.",
        "The deeper a layer, the better a simple formula can distinguish the garments by its "
        "values.",
        "Switching off one filter of the first layer usually costs less than one right answer in "
        "a hundred.",
    ),
    claims=(
        outcome("higher", TRAINED, UNTRAINED, "gabor_match"),
        outcome("higher", TRAINED, UNTRAINED, "sobel_match"),
        outcome("better", TRAINED, UNTRAINED, "probe_deepest"),
        Claim("a linear reader gets more right at every further depth", _grows_with_depth),
        mean_between(TRAINED, "median_drop", 0.0, 0.005),
        trained_with(TRAINED, epochs=3),
        mean_between(UNTRAINED, "accuracy", 0.08, 0.13),
        mean_between(UNTRAINED, "gabor_match", 0.4, 0.5),
        Claim("untrained values are read better than pixels", _helps_untrained),
        Claim("the cost of the most needed filter varies threefold", _cost_varies),
    ),
    figure=4,
    caption=(
        "Right answers of a linear formula that reads the pixels, or the values behind each block. "
        "Training widens the lead of the deeper blocks."
    ),
    caveats=(
        "The trained network trained for three epochs.",
        "Each filter is compared with the best of many patterns. So even random filters reach a "
        "likeness above 0.4.",
        "An untrained network guesses, and yet a linear reader of its last block is right more "
        "often than one of the pixels. Part of the gain comes from the architecture alone.",
        "The cost of the most needed filter differs much between the runs.",
    ),
)

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
        "ankleboot explain pretrained test:0  # what the shipped model makes of one image",
        "ankleboot train plain --set kernel_size=7 --set blocks=1  # larger filters, one block",
        "ankleboot report runs/plain-seed0-001  # filters and maps of a run of your own",
    ),
    plain=PLAIN_ANSWER,
    minutes=4.0,
)
