import time

import pytest

from ankleboot.server.config import ServerConfig
from ankleboot.server.http.rate_limit import RateLimit


def test_a_client_is_limited_to_its_rate_and_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limit = RateLimit(ServerConfig(rate_limit_per_s=2.0))
    assert [limit.wait("a") for _ in range(4)] == [0, 0, 0, 0]  # a burst of two seconds' worth
    assert limit.wait("a") == pytest.approx(0.5)
    assert limit.wait("b") == 0
    now[0] += 0.5
    assert limit.wait("a") == 0
    assert limit.wait("a") > 0
    unlimited = RateLimit(ServerConfig())
    assert all(unlimited.wait("a") == 0 for _ in range(99))


def test_the_oldest_clients_are_forgotten() -> None:
    limit = RateLimit(ServerConfig(rate_limit_per_s=1.0, max_tracked_clients=3))
    for client in "abcdabcd":
        limit.wait(client)
    assert len(limit._buckets) == 3
