"""Metrics of a running server in the format of Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ServerMetrics:
    """Counters and gauges of the server.

    Args:
        gauges: Description and current value of each gauge, by its name.

    Attributes:
        model_reloads: Counter of model reloads by result: done or refused.
    """

    def __init__(self, gauges: dict[str, tuple[str, Callable[[], float]]]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "ankleboot_requests",
            "Number of responses.",
            ["route", "status"],
            registry=self._registry,
        )
        self._latencies = Histogram(
            "ankleboot_request_seconds",
            "Seconds from the headers of a request to its response.",
            ["route"],
            buckets=LATENCY_BUCKETS_S,
            registry=self._registry,
        )
        self.model_reloads = Counter(
            "ankleboot_model_swaps",
            "Number of model reloads by result.",
            ["result"],
            registry=self._registry,
        )
        for name, (description, value) in gauges.items():
            Gauge(name, description, registry=self._registry).set_function(value)
        self._cache: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count a response; `route` is one of few, never text from a client."""
        key = (route, status)
        if key not in self._cache:
            self._cache[key] = (
                self._requests.labels(route, str(status)),
                self._latencies.labels(route),
            )
        counter, histogram = self._cache[key]
        counter.inc()
        histogram.observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
