"""Plots of the studies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.evaluation.plots import curves_with_range, image_rows, strip_plot
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
