import time

import pytest

from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError
from ankleboot.server.http.rate_limit import RateLimit


def rejection(limit: RateLimit, client: str) -> dict[bytes, bytes]:
    """Return the headers of the error that the client gets."""
    with pytest.raises(ApiError) as caught:
        limit.check(client)
    assert (caught.value.status, caught.value.code) == (429, "rate_limited")
    return dict(caught.value.headers)


def test_a_client_is_limited_to_its_rate_and_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limit = RateLimit(ServerConfig(rate_limit_per_s=2.0))
    for _ in range(4):  # a burst of two seconds' worth
        limit.check("a")
    now[0] += 0.49
    rejection(limit, "a")
    limit.check("b")
    now[0] += 0.01
    limit.check("a")
    rejection(limit, "a")
    unlimited = RateLimit(ServerConfig())
    for _ in range(99):
        unlimited.check("a")


def test_retry_after_rounds_the_wait_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limit = RateLimit(ServerConfig(rate_limit_per_s=0.4))
    limit.check("a")
    assert rejection(limit, "a")[b"retry-after"] == b"3"  # of 2.5 s
    now[0] += 2.5
    limit.check("a")


def test_the_oldest_clients_are_forgotten() -> None:
    limit = RateLimit(ServerConfig(rate_limit_per_s=1.0, max_tracked_clients=3))
    for client in "abcdabcd":
        limit.check(client)
    assert len(limit._buckets) == 3
