"""Charts that several studies show; imports matplotlib."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from ankleboot.evaluation import plots
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import StudyResults
from ankleboot.studies.study import Chart

Rows = Mapping[str, Sequence[np.ndarray]]
Captions = Mapping[str, Sequence[str]]

ACCURACY = "validation accuracy in %"


def by_run(
    results: StudyResults, key: str, title: str, label: str, variants: Sequence[str] = ()
) -> Chart:
    """Plot a number of every run of the variants, of all of them by default."""
    runs = {variant: results.scaled(variant, key) for variant in variants or results.variants}
    return Chart(title, partial(plots.strip_plot, runs, label))


def accuracy_by_run(results: StudyResults, variants: Sequence[str] = ()) -> Chart:
    """Plot the accuracy of every run."""
    return by_run(results, "accuracy", "Accuracy of every run", ACCURACY, variants)


def accuracy_by_cost(results: StudyResults, title: str) -> Chart:
    """Plot the accuracy of every variant by its seconds of training."""
    seconds, percent = (
        {variant: results.scaled(variant, key) for variant in results.variants}
        for key in ("train_seconds", "accuracy")
    )
    labels = "seconds of training", ACCURACY
    return Chart(title, partial(plots.cost_benefit, seconds, percent, *labels, log_x=True))


def accuracy_by_shift(results: StudyResults, variants: Iterable[str]) -> Chart:
    """Plot the accuracy by the distance of a shift."""
    moved = [variant for variant in variants if results.has(variant, "unchanged")]
    draw = partial(
        plots.curves_with_range,
        {variant: results.first_value(variant, "shift_distances") for variant in moved},
        {variant: 100 * results.series(variant, "shift_accuracies") for variant in moved},
        "pixels, up, down, left and right",
        "accuracy in %",
    )
    return Chart("Accuracy when the garment is shifted", draw)


def by_size(
    results: StudyResults, key: str, title: str, curves: Mapping[str, Sequence[str]]
) -> Chart:
    """Plot a share in percent by the number of training images; a curve joins variants."""
    images, percent = {}, {}
    for name, variants in curves.items():
        there = [variant for variant in variants if results.has(variant)]
        runs = [results.values(variant, key) for variant in there]
        images[name] = [results.mean(variant, "num_train") for variant in there]
        percent[name] = 100 * np.array([values[: min(map(len, runs))] for values in runs]).T
    labels = "training images", QUANTITIES[key].title
    return Chart(title, partial(plots.curves_with_range, images, percent, *labels, log_x=True))


def curves(
    title: str,
    values: Mapping[str, np.ndarray],
    *labels: str,
    start: int = 1,
    names: Sequence[str] = (),
) -> Chart:
    """Plot values of the shape (runs, points), by name; points are counted from `start`."""
    points = {name: range(start, start + runs.shape[1]) for name, runs in values.items()}
    return Chart(title, partial(plots.curves_with_range, points, values, *labels, names=names))


def image_rows(title: str, rows: Rows, captions: Captions, *, signed: bool = False) -> Chart:
    """Plot rows of images by name; signed ones are red and blue."""
    draw = partial(plots.image_rows, rows, captions, signed=signed)
    return Chart(title, draw, has_pixels=True)
