"""Plots of the studies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.evaluation.plots.style import spread


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_labels_keep_their_distance_and_order(heights: list[float]) -> None:
    gap = min(0.065, 1 / max(len(heights) - 1, 1))
    placed = spread(heights, 0.065)
    assert min(placed) >= 0 and max(placed) <= 1 + 1e-9
    assert np.all(np.diff(sorted(placed)) >= gap - 1e-9)
    assert np.all(np.argsort(placed, kind="stable") == np.argsort(heights, kind="stable"))
    assert spread([0.1, 0.5, 0.9], 0.065) == pytest.approx([0.1, 0.5, 0.9])
