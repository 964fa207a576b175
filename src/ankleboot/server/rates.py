"""How often one client may ask."""

import time
from collections import OrderedDict

CLIENTS = 10_000  # that are remembered; the one that has not asked for longest is forgotten
BURST = 2.0  # seconds' worth of requests that may come at once


class RateLimit:
    """A token bucket for every client.

    Args:
        per_second: Requests; 0 for any number.
    """

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second * BURST)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Seconds until the client may ask again; 0 if it may now, which counts as one request."""
        if not self._per_second:
            return 0.0
        now = time.monotonic()
        tokens, then = self._buckets.pop(client, (self._most, now))
        tokens = min(self._most, tokens + (now - then) * self._per_second)
        is_free = tokens >= 1
        self._buckets[client] = (tokens - is_free, now)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if is_free else (1 - tokens) / self._per_second
