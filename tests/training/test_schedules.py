"""Learning rate schedules at their start, peak and end."""

from dataclasses import replace

import numpy as np
import pytest

from ankleboot.recipes.catalog import PLAIN
from ankleboot.training import schedules


def test_schedules_start_peak_and_end_at_the_documented_rates() -> None:
    def rates(schedule: str) -> np.ndarray:
        return schedules.learning_rates(replace(PLAIN, schedule=schedule, learning_rate=1.0), 1000)

    assert (rates("constant") == 1).all()
    cosine, one_cycle = rates("cosine"), rates("one_cycle")
    assert cosine[0] == 1 and cosine[500] == pytest.approx(0.5) and cosine[-1] < 1e-4
    assert one_cycle[0] == pytest.approx(1 / 25) and one_cycle[-1] < 1e-4
    assert one_cycle.argmax() == 300 and one_cycle[300] == 1
    assert np.all(np.diff(cosine) < 0) and np.all(np.diff(one_cycle[:300]) > 0)
