"""Plots of the studies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.evaluation.plots import cost_benefit, curves_with_range, image_rows, strip_plot
from ankleboot.evaluation.plots.studies import WIDTH
from ankleboot.evaluation.plots.style import PALETTE, spread


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_labels_keep_their_distance_and_order(heights: list[float]) -> None:
    gap = min(0.065, 1 / max(len(heights) - 1, 1))
    placed = spread(heights, 0.065)
    assert min(placed) >= 0 and max(placed) <= 1 + 1e-9
    assert np.all(np.diff(sorted(placed)) >= gap - 1e-9)
    assert np.all(np.argsort(placed, kind="stable") == np.argsort(heights, kind="stable"))
    assert spread([0.1, 0.5, 0.9], 0.065) == pytest.approx([0.1, 0.5, 0.9])


def test_curves_have_their_names_at_their_ends_and_no_legend() -> None:
    names = ["plain", "strided", "none", "average"]
    figure = curves_with_range(
        dict.fromkeys(names, range(3)),
        {name: np.arange(6.0).reshape(2, 3) + i for i, name in enumerate(names)},
        "x",
        "y",
    )
    [axes] = figure.axes
    assert axes.get_legend() is None
    labels = {text.get_text(): text.get_color() for text in axes.texts}
    assert labels == dict(zip(names, PALETTE, strict=False))


@pytest.mark.parametrize(
    "seconds", [(0.72, 0.65, 0.63, 1.19), (7.0, 7.1), (2.0, 2.0), (1.0,), (4.3, 9.7, 40.1)]
)
def test_an_axis_of_costs_has_two_labels_or_more(seconds: tuple[float, ...]) -> None:
    """The first are those of a quick run on the sample, whose axis had the label 1 alone."""
    costs = {str(number): [value] for number, value in enumerate(seconds)}
    figure = cost_benefit(costs, costs, "seconds", "accuracy", log_x=True)
    figure.canvas.draw()
    [axes] = figure.axes
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert len(ticks) >= 2 and low <= min(seconds) and max(seconds) <= high


def test_the_first_curves_have_colors_that_the_dark_scheme_keeps_apart() -> None:
    """The page shows the second color as a light blue in its dark scheme."""
    assert "#56b4e9" not in PALETTE[:4]


def test_charts_are_so_narrow_that_a_phone_shows_readable_texts() -> None:
    figure = strip_plot({"a": [1.0, 2.0], "b": [2.0, 3.0]}, "accuracy in %")
    assert figure.get_size_inches()[0] == WIDTH
    rows = {"block1": [np.zeros((3, 3))] * 8}
    figure = image_rows(rows, {"block1": ["0.98"] * 8})
    width = figure.get_size_inches()[0] * 72
    texts = [text for axes in figure.axes for text in axes.texts if text.get_text()]
    assert len(texts) == 9
    assert all(text.get_fontsize() * 354 / width >= 7 for text in texts)
