"""Metrics of a running server in the format of Prometheus."""

import functools

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from ankleboot.server.workers.dispatcher import Dispatcher
from ankleboot.server.workers.supervisor import WorkerSupervisor

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ServerMetrics:
    """Counters and gauges of the server.

    Attributes:
        model_reloads: Counter of model reloads by result: done, refused, or returned to the
            previous models.
    """

    def __init__(self, dispatcher: Dispatcher, supervisor: WorkerSupervisor) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        counter = functools.partial(Counter, registry=registry)
        self._requests = counter(
            "ankleboot_requests", "Number of responses.", ["route", "model", "status"]
        )
        self._latencies = Histogram(
            "ankleboot_request_seconds",
            "Seconds from the headers of a request to its response.",
            ["route", "model"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.model_reloads = counter(
            "ankleboot_model_swaps", "Number of model reloads by result.", ["result"]
        )
        gauge = functools.partial(Gauge, registry=registry)
        waiting = gauge("ankleboot_requests_waiting", "Number of requests that wait for a worker.")
        waiting.set_function(lambda: dispatcher.num_waiting)
        ready = gauge("ankleboot_workers_ready", "Number of workers that are ready.")
        ready.set_function(lambda: supervisor.num_ready)
        lost = gauge("ankleboot_workers_lost", "Number of workers that died.")
        lost.set_function(lambda: supervisor.num_lost)
        self._cache: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count_request(self, route: str, status: int, seconds: float, model: str = "") -> None:
        """Count a response.

        Route and model are two of few, never text from a client. To Prometheus a label without a
        value is none, so routes without a model keep the series that they had.
        """
        key = (route, model, status)
        if key not in self._cache:
            counter = self._requests.labels(route, model, str(status))
            self._cache[key] = (counter, self._latencies.labels(route, model))
        counter, histogram = self._cache[key]
        counter.inc()
        histogram.observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
