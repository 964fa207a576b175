"""Rate limit per client."""

import time
from collections import OrderedDict

from ankleboot.server.config import ServerConfig


class RateLimit:
    """Token bucket for each client.

    Args:
        config: Rate, burst, and number of clients whose buckets are kept.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._tokens_per_s = config.rate_limit_per_s
        self._max_tokens = max(1.0, self._tokens_per_s * config.rate_burst_s)
        self._max_clients = config.max_tracked_clients
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Return the seconds until the client may send a request; 0 takes a token."""
        if not self._tokens_per_s:
            return 0.0
        now = time.monotonic()
        tokens, updated = self._buckets.pop(client, (self._max_tokens, now))
        tokens = min(self._max_tokens, tokens + (now - updated) * self._tokens_per_s)
        is_allowed = tokens >= 1
        self._buckets[client] = (tokens - is_allowed, now)
        if len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
        return 0.0 if is_allowed else (1 - tokens) / self._tokens_per_s
