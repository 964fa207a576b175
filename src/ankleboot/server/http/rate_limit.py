"""Rate limit per client."""

import math
import time
from collections import OrderedDict

from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError


class RateLimit:
    """Token bucket for each client."""

    def __init__(self, config: ServerConfig) -> None:
        self._tokens_per_s = config.rate_limit_per_s
        self._max_tokens = max(1.0, self._tokens_per_s * config.rate_burst_s)
        self._max_clients = config.max_tracked_clients
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, client: str) -> None:
        """Take a token of the client.

        Raises:
            ApiError: If it has none; Retry-After says when it will.
        """
        if not self._tokens_per_s:
            return
        now = time.monotonic()
        tokens, updated = self._buckets.pop(client, (self._max_tokens, now))
        tokens = min(self._max_tokens, tokens + (now - updated) * self._tokens_per_s)
        is_allowed = tokens >= 1
        self._buckets[client] = (tokens - is_allowed, now)
        if len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
        if not is_allowed:
            wait_s = math.ceil((1 - tokens) / self._tokens_per_s)
            message = "The client sends too many requests; wait."
            raise ApiError(429, "rate_limited", message, retry_after=wait_s)
