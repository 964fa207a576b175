"""Figures of a running server, as Prometheus collects them."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    """Counts requests.

    Args:
        gauges: Name, what it is, and how to ask for it now.
    """

    def __init__(self, gauges: dict[str, tuple[str, Callable[[], float]]]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "ankleboot_requests", "Requests answered.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "ankleboot_request_seconds",
            "From a request's head to its answer.",
            ["route"],
            buckets=LATENCY_BUCKETS_S,
            registry=self._registry,
        )
        self.swaps = Counter(
            "ankleboot_model_swaps", "Models replaced, or not.", ["result"], registry=self._registry
        )
        for name, (what, ask) in gauges.items():
            Gauge(name, what, registry=self._registry).set_function(ask)
        self._known: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is one of few, never what a client wrote."""
        key = (route, status)
        if key not in self._known:
            self._known[key] = (
                self._requests.labels(route, str(status)),
                self._seconds.labels(route),
            )
        counter, histogram = self._known[key]
        counter.inc()
        histogram.observe(seconds)

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._registry)
