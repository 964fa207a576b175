"""The types of the package are checked while its tests run, and shapes where there are arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintParamViolation, BeartypeCallHintReturnViolation
from jaxtyping import TypeCheckError

from ankleboot.core.text import truncate_middle
from ankleboot.core.types import Images, Probs
from ankleboot.evaluation import metrics
from helpers.type_checks import _checked, _may_be_array


def test_a_type_is_checked_where_there_is_no_array() -> None:
    with pytest.raises(BeartypeCallHintParamViolation):
        truncate_middle(["no text"], 5)  # type: ignore[arg-type]


def test_a_returned_type_is_checked_unless_a_test_asks_for_none(no_type_checks: None) -> None:
    import jaxtyping
    from beartype import beartype

    def number() -> int:
        return "none"  # type: ignore[return-value]

    checked = _checked(number, beartype)
    assert checked() == "none"
    jaxtyping.config.update("jaxtyping_disable", False)
    with pytest.raises(BeartypeCallHintReturnViolation):
        checked()


def test_shapes_are_compared_between_the_arrays_of_a_call() -> None:
    probs = np.full((3, 10), 0.1)
    assert metrics.log_loss(probs, np.zeros(3, int)) == pytest.approx(np.log(10))
    with pytest.raises(TypeCheckError, match="log_loss"):
        metrics.log_loss(probs, np.zeros(4, int))


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Images, True),
        (list[Images] | None, True),
        (Callable[[Images], float], True),
        (Callable[[int], Probs], True),
        ("Images", True),
        (dict[str, int], False),
        (np.ndarray, False),
        (None, False),
    ],
)
def test_arrays_are_found_inside_a_type(hint: Any, expected: bool) -> None:
    assert _may_be_array(hint) == expected
