"""Sensible ranges of a recipe's fields in a search."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Between:
    """Numbers between two bounds; evenly in their logarithms if `log`.

    A recipe whose own value is higher has a range up to twice that value.
    """

    low: float | int
    high: float | int
    log: bool = False


@dataclass(frozen=True)
class Around:
    """Numbers from the recipe's own value divided by a factor to it times the factor, by logarithm.

    Where the own value is 0 there is no range.
    """

    factor: float | int


@dataclass(frozen=True)
class Each:
    """All words of the field, or true and false."""


SearchRange = Between | Around | Each
