"""Conditions and order of a list of runs, as users write them."""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.models.run_list.columns import Row, Value, check_column

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "~": operator.contains,
}
CONDITION = re.compile(rf"\s*(\w+)\s*({'|'.join(map(re.escape, OPERATORS))})\s*(.*?)\s*")


@dataclass(frozen=True)
class Condition:
    """Condition on a column, such as `validation_accuracy>=0.92` or `recipe=sprint`.

    `~` asks for text inside the value, `COLUMN=` for a run without a value, `COLUMN!=` for one
    with. Any other condition leaves runs without a value out.
    """

    column: str
    sign: str
    text: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read a condition.

        Raises:
            UsageError: If it is not of this form, or the column is unknown.
        """
        found = CONDITION.fullmatch(text)
        if found is None:
            signs = " ".join(OPERATORS)
            raise UsageError(f"{text!r}: expected COLUMN, one of {signs}, and a value")
        column, sign, value = found.groups()
        return cls(check_column(column), sign, value)

    def holds(self, row: Row) -> bool:
        """Return whether the condition holds for a run.

        Raises:
            UsageError: If the column has numbers and the condition's value is none.
        """
        value = row[self.column]
        if not self.text:
            return (value in (None, "")) == (self.sign == "=")
        if value is None:
            return False
        if isinstance(value, bool):
            value = str(value).lower()
        if isinstance(value, str) or self.sign == "~":
            return OPERATORS[self.sign](str(value), self.text)
        try:
            return OPERATORS[self.sign](value, float(self.text))
        except ValueError as error:
            raise UsageError(
                f"{self.column}{self.sign}{self.text}: expected a number, such as {value}"
            ) from error


def select_runs(
    rows: Iterable[Row], conditions: Sequence[str] = (), order: Sequence[str] = ()
) -> list[Row]:
    """Return the runs for which all conditions hold, in an order.

    Args:
        rows: Runs, as `list_runs` gives them.
        conditions: Conditions as text; see `Condition`.
        order: Columns, the most important first; "-COLUMN" is from the largest value down. Runs
            without a value come last.

    Raises:
        UsageError: If a condition or a column is not valid.
    """
    parsed = [Condition.parse(text) for text in conditions]
    chosen = [row for row in rows if all(condition.holds(row) for condition in parsed)]
    for key in reversed(order):
        column = check_column(key.removeprefix("-"))
        present = [row for row in chosen if row[column] is not None]
        present.sort(key=lambda row: _sortable(row[column]), reverse=key.startswith("-"))
        chosen = present + [row for row in chosen if row[column] is None]
    return chosen


def _sortable(value: Value) -> tuple[int, float | str]:
    """Return a key that orders numbers before text."""
    return (1, value) if isinstance(value, str) else (0, float(value or 0))
