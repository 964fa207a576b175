"""What became of the requests of a load: how many, how fast, and what went wrong."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

SAMPLES = 3  # wrong answers that are kept, to look at

FAILURES = ("refused", "unsent", "lost", "lost_on_kept", "cut_short", "garbled", "timed_out")
"""What may become of a request that was not answered.

refused       no connection, so nothing was sent
unsent        the connection ended before the whole request was sent
lost          sent in full on a connection of its own, then the connection ended without a byte
lost_on_kept  the same on a connection that had answered before: the server may have closed it as
              idle while the request was on its way, and HTTP wants clients to ask again
cut_short     the connection ended within the answer
garbled       the answer is not HTTP as this client knows it
timed_out     nothing came in time
"""


class Tally:
    """Counts of one load."""

    def __init__(self) -> None:
        self.sent = 0
        self.never_sent = 0  # of an open loop: all connections were busy until its end
        self.statuses: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()
        self.resets = 0  # of the failures, those by a reset instead of an orderly end
        self.wrong = 0
        self.samples: list[dict[str, Any]] = []
        self.with_retry_after = 0  # of the 429s and 503s
        self.opened = 0  # connections
        self.last_sent = 0.0  # seconds after the start
        self.lags: list[float] = []  # seconds from when a request was due until it was sent
        self.latencies: dict[int, list[float]] = {}
        self.waits: dict[int, list[float]] = {}

    def answered(self, status: int, latency: float, wait: float) -> None:
        """Count an answer: seconds since its request was due, and since it was sent."""
        self.statuses[status] += 1
        self.latencies.setdefault(status, []).append(latency)
        self.waits.setdefault(status, []).append(wait)

    def differed(self, request: int, body: bytes) -> None:
        """Count a 200 whose body is not the one expected."""
        self.wrong += 1
        if len(self.samples) < SAMPLES:
            words = body[:500].decode("utf-8", "replace")
            self.samples.append({"request": request, "body": words})

    def failed(self, how: str, *, reset: bool = False) -> None:
        """Count a request without an answer; `how` is one of `FAILURES`."""
        self.failures[how] += 1
        self.resets += reset

    def to_json(self, seconds: float, cpu_seconds: float) -> dict[str, Any]:
        """The result of a load that took so long, and so much of the processor."""
        right = self.statuses[200] - self.wrong
        return {
            "sent": self.sent,
            "never_sent": self.never_sent,
            "statuses": {str(status): num for status, num in sorted(self.statuses.items())},
            "wrong": self.wrong,
            "wrong_samples": self.samples,
            "failures": {name: self.failures[name] for name in FAILURES},
            "resets": self.resets,
            "with_retry_after": self.with_retry_after,
            "connections_opened": self.opened,
            "seconds": round(seconds, 4),
            "sent_per_second": round(self.sent / (self.last_sent or seconds), 1),
            "answers_per_second": round(self.statuses.total() / seconds, 1),
            "goodput": round(right / seconds, 1),
            "latency_ms": _by_status(self.latencies),
            "since_sent_ms": _by_status(self.waits),
            "lag_ms": quantiles(self.lags),
            "client_cpu_seconds": round(cpu_seconds, 3),
        }


def _by_status(seconds: dict[int, list[float]]) -> dict[str, dict[str, float] | None]:
    return {str(status): quantiles(found) for status, found in sorted(seconds.items())}


def quantiles(seconds: Iterable[float]) -> dict[str, float] | None:
    """Milliseconds that a half, 90 and 99 in 100, and all needed at most; None of nothing."""
    found = sorted(seconds)
    if not found:
        return None
    last = len(found) - 1
    return {
        name: round(1e3 * found[min(last, int(share * len(found)))], 3)
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
    }
