"""Conditions and order of a list of runs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.core.errors import UsageError
from ankleboot.models.run_list.columns import COLUMNS, Row
from ankleboot.models.run_list.query import Condition, select_runs


def row(**values: Any) -> Row:
    return dict.fromkeys(COLUMNS) | values


ROWS = [
    row(run="runs/a", recipe="sprint", seed=1, validation_accuracy=0.90, flip=True),
    row(run="runs/b", recipe="leaky", seed=2, validation_accuracy=0.92, flip=False, parent=""),
    row(run="runs/c", recipe="leaky", seed=10, flip=False, parent="runs/a"),
]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], "abc"),
        (["recipe=leaky"], "bc"),
        (["recipe!=leaky"], "a"),
        (["recipe = leaky", "seed<10"], "b"),
        (["seed>=2"], "bc"),
        (["validation_accuracy>=0.91"], "b"),
        (["validation_accuracy!=0.9"], "b"),
        (["validation_accuracy="], "c"),
        (["validation_accuracy!="], "ab"),
        (["parent!="], "c"),
        (["parent="], "ab"),
        (["flip=true"], "a"),
        (["run~/b"], "b"),
        (["seed~1"], "ac"),
        (["teacher_run=x"], ""),
    ],
)
def test_conditions(conditions: list[str], expected: str) -> None:
    assert "".join(str(r["run"])[-1] for r in select_runs(ROWS, conditions)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["-seed"], "cba"),
        (["seed"], "abc"),
        (["-validation_accuracy"], "bac"),  # without a value last
        (["validation_accuracy"], "abc"),
        (["recipe", "-seed"], "cba"),
        (["flip", "-seed"], "cba"),
    ],
)
def test_order(order: list[str], expected: str) -> None:
    assert "".join(str(r["run"])[-1] for r in select_runs(ROWS, [], order)) == expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("accuracy>0.9", "unknown column 'accuracy'"),
        ("validation_accurac>0.9", r"did you mean validation_accuracy\?"),
        ("recipe", "expected COLUMN, one of"),
        ("seed<abc", "seed<abc: expected a number, such as 1"),
    ],
)
def test_a_mistake_is_named(condition: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        select_runs(ROWS, [condition])
    with pytest.raises(UsageError, match="unknown column"):
        select_runs(ROWS, [], ["-nothing"])


@given(st.floats(allow_nan=False), st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]))
def test_numbers_compare_as_numbers(bound: float, sign: str) -> None:
    holds = Condition.parse(f"validation_accuracy{sign}{bound!r}").holds(ROWS[0])
    expected = {
        "<": bound > 0.9,
        "<=": bound >= 0.9,
        "=": bound == 0.9,
        "!=": bound != 0.9,
        ">=": bound <= 0.9,
        ">": bound < 0.9,
    }
    assert holds == expected[sign]
