"""Progress of work in parts, as text."""

import time


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
