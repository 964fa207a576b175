"""Progress of work in parts: as text, and as counts for a watcher such as a bar on a terminal."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[str, int, int], None]
"""Function that receives the name of the parts, how many are done, and how many there are."""

_local = threading.local()


@contextmanager
def watched_by(watcher: Watcher | None) -> Iterator[None]:
    """Let a watcher of this thread receive the counts of `report_progress`; None for no watcher."""
    previous = getattr(_local, "watcher", None)
    _local.watcher = watcher
    try:
        yield
    finally:
        _local.watcher = previous


def is_watched() -> bool:
    """Return whether this thread has a watcher."""
    return getattr(_local, "watcher", None) is not None


@contextmanager
def counting(noun: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that reports how many parts are done; parts of these stay unreported."""
    watcher: Watcher = getattr(_local, "watcher", None) or _ignore
    with watched_by(None):
        yield lambda done: watcher(noun, done, total)
    watcher(noun, total, total)


def report_progress(noun: str, done: int, total: int) -> None:
    """Report how many parts are done to the watcher of this thread, if there is one."""
    if watcher := getattr(_local, "watcher", None):
        watcher(noun, done, total)


def _ignore(noun: str, done: int, total: int) -> None:
    """Stand for the watcher that is not there."""


class RemainingTime:
    """Counter of finished parts that estimates the time left from the rate so far."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._started = total, 0, time.perf_counter()

    def next(self) -> str:
        """Count a part; return "3/10, about 2.5 min left"."""
        self._done += 1
        elapsed = time.perf_counter() - self._started
        minutes = elapsed / self._done * (self._total - self._done) / 60
        left = f", about {minutes:.1f} min left" if self._done < self._total else ""
        return f"{self._done}/{self._total}{left}"


class Throughput:
    """Counter of items that tells their rate and the time left.

    Items that were there before count as done and not for the rate.
    """

    def __init__(self, total: int, done: int, noun: str) -> None:
        self._total, self._done, self._noun = total, done, noun
        self._new, self._started = 0, time.perf_counter()

    def add(self, number: int) -> None:
        """Count finished items."""
        self._done += number
        self._new += number

    @property
    def per_second(self) -> float:
        """Mean rate so far."""
        return self._new / max(time.perf_counter() - self._started, 1e-9)

    def __str__(self) -> str:
        text = f"{self._done:,} of {self._total:,} {self._noun}"
        if not self._new:
            return text
        rate = f"{self.per_second:,.0f}" if self.per_second >= 10 else f"{self.per_second:.1f}"
        minutes = (self._total - self._done) / self.per_second / 60
        left = f", about {minutes:.1f} min left" if self._done < self._total else ""
        return f"{text}, {rate} a second{left}"
