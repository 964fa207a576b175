"""Learning rate schedules at their start, peak and end."""

from dataclasses import replace

import numpy as np
import pytest

from ankleboot.recipes.catalog import PLAIN
from ankleboot.training import schedules
from ankleboot.training.data_loader import describe_rate


def test_schedules_start_peak_and_end_at_the_documented_rates() -> None:
    def rates(schedule: str) -> np.ndarray:
        return schedules.learning_rates(replace(PLAIN, schedule=schedule, learning_rate=1.0), 1000)

    assert (rates("constant") == 1).all()
    cosine, one_cycle = rates("cosine"), rates("one_cycle")
    assert cosine[0] == 1 and cosine[500] == pytest.approx(0.5) and cosine[-1] < 1e-4
    assert one_cycle[0] == pytest.approx(1 / 25) and one_cycle[-1] < 1e-4
    assert one_cycle.argmax() == 300 and one_cycle[300] == 1
    assert np.all(np.diff(cosine) < 0) and np.all(np.diff(one_cycle[:300]) > 0)


def test_few_steps_take_a_lower_rate() -> None:
    """The recipes for own classes were unstable on folders of a few hundred photos."""
    recipe = replace(PLAIN, schedule="one_cycle", full_rate_steps=400)
    full = schedules.learning_rates(replace(recipe, full_rate_steps=0), 100)
    np.testing.assert_allclose(schedules.learning_rates(recipe, 100), full / 2, rtol=1e-6)
    np.testing.assert_array_equal(
        schedules.learning_rates(recipe, 400),
        schedules.learning_rates(replace(recipe, full_rate_steps=0), 400),
    )
    assert describe_rate(replace(recipe, batch_size=10, epochs=1), 1_000) == [
        "the peak learning rate is 0.0005, not 0.001: 100 steps are fewer than full_rate_steps=400"
    ]
    assert describe_rate(replace(recipe, batch_size=10, epochs=4), 1_000) == []
