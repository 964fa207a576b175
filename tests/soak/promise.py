"""Promises, their cases and their outcomes; the smallest promise:

def check(cases: Cases) -> Outcome:
    outcome = Outcome()
    for number, chance in cases:
        with outcome.case(number, "parse noise"):
            parse(chance.randbytes(100))
    return outcome

NOISE = Promise("noise", "noise parsed", check, weight=1, goal=10_000)
"""

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


class Broken(Exception):
    """A promise that a case found broken; the message says how."""


@dataclass
class Outcome:
    """Counts of a check."""

    kept: int = 0
    failures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """What the result file tells beside the sum, such as cases by kind."""
    left_out: str = ""
    """Reason why there are no cases."""

    @property
    def cases(self) -> int:
        return self.kept + len(self.failures)

    @contextmanager
    def case(self, number: int, what: str) -> Iterator[None]:
        """Count a case as kept, or as a failure if its block raises anything."""
        try:
            yield
        except Exception as error:
            reason = str(error) if isinstance(error, Broken) else repr(error)
            self.failures.append(f"case {number} ({what}): {reason}")
        else:
            self.kept += 1


@dataclass(frozen=True)
class Cases:
    """Numbers of cases with their randomness, until the time is over and the goal reached.

    Attributes:
        name: Name of the promise, part of the seed of every case.
        seconds: Share of the time; iteration ends after it, but not before `goal` cases.
        only: The one case to repeat, instead.
        folder: Empty folder, removed after the check.
        limit: Cases after which iteration ends, whatever the time.
    """

    name: str
    seed: int
    seconds: float
    goal: int
    only: int | None
    folder: Path
    limit: int | None = None

    def chance(self, number: int | str) -> random.Random:
        """Return the randomness of a case."""
        return random.Random(f"{self.seed}/{self.name}/{number}")

    def __iter__(self) -> Iterator[tuple[int, random.Random]]:
        if self.only is not None:
            yield self.only, self.chance(self.only)
            return
        end, number = time.monotonic() + self.seconds, 0
        while number < self.goal or time.monotonic() < end:
            if self.limit is not None and number >= self.limit:
                return
            yield number, self.chance(number)
            number += 1


Check = Callable[[Cases], Outcome]


@dataclass(frozen=True)
class Promise:
    """What never breaks, and its check.

    Attributes:
        name: Name for `--only`.
        text: End of the line "kept 1,000 of 1,000 ...".
        weight: Share of the minutes, relative to the other promises.
        goal: Cases of a full run at the least, whatever the time.
        short_goal: Cases of a short run at the least.
        limit: Cases at the most: there are no others, or more would tell nothing.
        needs_compiler: Whether it stands between a process and its system calls (`system.shim`).
    """

    name: str
    text: str
    check: Check
    weight: float
    goal: int
    short_goal: int = 1
    limit: int | None = None
    needs_compiler: bool = False

    def hold(self, seed: int, seconds: float, *, short: bool, only: int | None) -> Outcome:
        """Check the promise in a folder of its own."""
        folder = Path(tempfile.mkdtemp(prefix=f"soak-{self.name}-")).resolve()
        goal = self.short_goal if short else self.goal
        try:
            outcome = self.check(Cases(self.name, seed, seconds, goal, only, folder, self.limit))
            if not outcome.left_out and not outcome.cases:
                outcome.failures.append("no case was tried")
            return outcome
        finally:
            shutil.rmtree(folder, ignore_errors=True)
