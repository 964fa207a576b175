"""Assignment of outputs to classes."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from ankleboot.models.foreign.assignment import best_assignment


@pytest.mark.parametrize("size", [1, 2, 3, 10, 40])
def test_the_assignment_is_as_good_as_that_of_scipy(size: int) -> None:
    generator = np.random.default_rng(size)
    for _ in range(10):
        matrix = generator.integers(0, 50, (size, size))
        columns = best_assignment(matrix)
        assert sorted(columns) == list(range(size))
        rows, best = linear_sum_assignment(matrix, maximize=True)
        assert matrix[np.arange(size), columns].sum() == matrix[rows, best].sum()
