"""Rate limit per client."""

import time
from collections import OrderedDict

from ankleboot.server.config import ServerConfig


class RateLimit:
    """A token bucket for every client.

    Args:
        config: Rate, burst, and number of clients whose buckets are kept.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._per_second = config.rate_limit_per_s
        self._most = max(1.0, self._per_second * config.rate_burst_s)
        self._max_clients = config.max_tracked_clients
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
        if len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
        return 0.0 if is_free else (1 - tokens) / self._per_second
