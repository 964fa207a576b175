"""Statistics of a load: counts, latencies and failures of its requests."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

MAX_SAMPLES = 3  # wrong bodies kept for inspection

FAILURES = ("refused", "unsent", "lost", "lost_on_kept", "cut_short", "garbled", "timed_out")
"""Outcomes of a request without a response.

refused       no connection, so nothing was sent
unsent        the connection ended before the whole request was sent
lost          sent in full on a connection of its own, then the connection ended without a byte
lost_on_kept  the same on a connection that had answered before: the server may have closed it as
              idle while the request was on its way, and HTTP asks clients to repeat it
cut_short     the connection ended within the response
garbled       the response is not HTTP as this client parses it
timed_out     nothing came in time
"""


class LoadStats:
    """Counts and latencies of one load."""

    def __init__(self) -> None:
        self.sent = 0
        self.never_sent = 0  # open loop: every connection stayed busy until its end
        self.statuses: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()
        self.resets = 0  # failures by a TCP reset
        self.wrong = 0
        self.samples: list[dict[str, Any]] = []
        self.with_retry_after = 0  # 429 and 503 responses with the header
        self.opened = 0  # connections
        self.last_sent = 0.0  # seconds after the start
        self.lags: list[float] = []  # seconds from due to sent
        self.latencies: dict[int, list[float]] = {}
        self.waits: dict[int, list[float]] = {}

    def record_response(self, status: int, latency: float, wait: float) -> None:
        """Count a response; `latency` is in seconds since due, `wait` since sent."""
        self.statuses[status] += 1
        self.latencies.setdefault(status, []).append(latency)
        self.waits.setdefault(status, []).append(wait)

    def record_wrong_body(self, request: int, body: bytes) -> None:
        """Count a 200 whose body differs from the expected one."""
        self.wrong += 1
        if len(self.samples) < MAX_SAMPLES:
            text = body[:500].decode("utf-8", "replace")
            self.samples.append({"request": request, "body": text})

    def record_failure(self, failure: str, *, reset: bool = False) -> None:
        """Count a request without a response; `failure` is one of `FAILURES`."""
        self.failures[failure] += 1
        self.resets += reset

    def to_json(self, seconds: float, cpu_seconds: float) -> dict[str, Any]:
        """Return the statistics, given the wall and processor time of the load."""
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
    return {str(status): quantiles(times) for status, times in sorted(seconds.items())}


def quantiles(seconds: Iterable[float]) -> dict[str, float] | None:
    """Return p50, p90, p99 and the maximum in milliseconds; None for no values."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    last = len(ordered) - 1
    return {
        name: round(1e3 * ordered[min(last, int(share * len(ordered)))], 3)
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
    }
