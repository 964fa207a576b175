"""Isolated processes: their errors, their memory."""

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.subprocesses import anonymous_memory_mib, peak_mib, run_isolated


def test_failed_process_is_named_with_its_last_line() -> None:
    with pytest.raises(EnvironmentFailure, match=r"^calendar nonsense: .*invalid int value"):
        run_isolated("calendar", "nonsense")


def test_child_finds_the_modules_of_this_process() -> None:
    with pytest.raises(
        EnvironmentFailure, match=r"training_baselines nobody 0 sample: .*unknown contender"
    ):
        run_isolated("lib.training_baselines", "nobody", "0", "sample")


def test_memory_of_this_process_is_read() -> None:
    peak, own = peak_mib(), anonymous_memory_mib()
    assert peak is None or peak > 50
    assert own is None or peak is None or 10 < own <= peak
