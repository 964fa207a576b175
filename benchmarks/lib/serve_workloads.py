"""Loads of `bench.py serve` and the measurement of one contender."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.models.pretrained import catalog
from lib import payloads, server_process
from lib.correctness import predict_in_process
from lib.load_spec import LoadRequest, LoadSpec, record_expected, run_load
from lib.server_baselines import SERVER_BASELINES
from lib.server_process import PATH, ServerProcess

CONNECTIONS = (8, 16, 32, 64)  # of a closed loop; the best counts
PHOTO_CONNECTIONS = (4, 16)
BASELINE_CONNECTIONS = (1, 8, 32)
NUM_IMAGES, NUM_PHOTOS, BATCH_SIZE = 500, 25, 64
STEADY_SHARE = 0.7  # of the peak, at which latency is measured
MODEST_RATE = 560.0  # requests per second: 70 % of what the server was requests to reach at least
OVERLOAD_FACTOR = 5.0  # times the peak
NUM_LABELS_COMPARED = 20  # answers of a peer whose labels are compared with ours
SETTLE_S = 2.0  # seconds
MAX_OPEN_CONNECTIONS = 800  # connections of an open loop


class Workload:
    """Images and requests, shared by all rounds."""

    def __init__(self) -> None:
        self.images = payloads.images(NUM_IMAGES)
        photos = payloads.photos(NUM_PHOTOS)
        files = [[("file", "image.png", "image/png", image)] for image in self.images]
        batches = [
            self.images[i : i + BATCH_SIZE]
            for i in range(0, len(self.images) - BATCH_SIZE, BATCH_SIZE)
        ]
        parts = [[("files", "i.png", "image/png", image) for image in some] for some in batches]
        self.raw = [LoadRequest(PATH, "image/png", image) for image in self.images]
        self.uploads = [LoadRequest(PATH, *payloads.multipart(file)) for file in files]
        self.photos = [LoadRequest(PATH, "image/jpeg", photo) for photo in photos]
        self.batches = [LoadRequest(PATH, *payloads.multipart(part)) for part in parts]
        self.lists = [LoadRequest(PATH, *payloads.as_json(some)) for some in batches]


@dataclass
class LoadRunner:
    """Runner of the loads of one server; keeps their results by name."""

    server: ServerProcess
    seconds: float

    def __post_init__(self) -> None:
        self.results: dict[str, dict[str, Any]] = {}

    def closed(
        self, name: str, requests: Sequence[LoadRequest], connections: Sequence[int]
    ) -> dict[str, Any]:
        """Return the best of some closed loops by correct responses per second."""
        results = []
        for num in connections:
            load = LoadSpec(port=self.server.port, connections=num, seconds=self.seconds)
            results.append(self._drive(f"{name}, {num} connections", load, requests))
            if not self.server.is_alive:
                break
        return max(results, key=lambda result: float(result["goodput"]))

    def opened(self, name: str, requests: Sequence[LoadRequest], rate: float) -> dict[str, Any]:
        """Run an open loop at a rate, at random moments."""
        load = LoadSpec(
            port=self.server.port,
            connections=MAX_OPEN_CONNECTIONS,
            seconds=self.seconds,
            rate=rate,
            poisson=True,
        )
        return self._drive(name, load, requests)

    def _drive(self, name: str, load: LoadSpec, requests: Sequence[LoadRequest]) -> dict[str, Any]:
        self.results[name] = run_load(load, requests)
        return self.results[name]


def measure_ours(options: Sequence[str], workload: Workload, seconds: float) -> dict[str, Any]:
    """Start our server and run all loads.

    Raises:
        EnvironmentFailure: If the server does not start or does not respond.
    """
    with server_process.start_ankleboot(options) as server:
        at_start = _settled_memory(server)
        loads = LoadRunner(server, seconds)
        raw, photos = (
            record_expected(server.port, workload.raw),
            record_expected(server.port, workload.photos),
        )
        best = loads.closed("images", raw, CONNECTIONS)
        peak = best["goodput"]
        uploads = loads.closed(
            "uploads", record_expected(server.port, workload.uploads), CONNECTIONS[1:3]
        )
        steady = loads.opened(f"images at {STEADY_SHARE:.0%} of the peak", raw, STEADY_SHARE * peak)
        modest = loads.opened(f"images at {MODEST_RATE:.0f} a second", raw, MODEST_RATE)
        double = loads.opened("images at twice the peak", raw, 2 * peak)
        flood = loads.opened(
            f"images at {OVERLOAD_FACTOR:.0f} x the peak", raw, OVERLOAD_FACTOR * peak
        )
        many = loads.closed(
            f"batches of {BATCH_SIZE}", record_expected(server.port, workload.batches), (4,)
        )
        lists = loads.closed(
            f"lists of {BATCH_SIZE}", record_expected(server.port, workload.lists), (4,)
        )
        slow = loads.closed("photographs", photos, PHOTO_CONNECTIONS)
        rate = slow["goodput"]
        slow_flood = loads.opened(
            f"photographs at {OVERLOAD_FACTOR:.0f} x the peak", photos, OVERLOAD_FACTOR * rate
        )
        figures = _common_figures(server, at_start, best) | {
            "uploads_per_second": uploads["goodput"],
            "steady_rate": round(STEADY_SHARE * peak, 1),
            "steady_p50_ms": steady["latency_ms"]["200"]["p50"],
            "steady_p99_ms": steady["latency_ms"]["200"]["p99"],
            "modest_rate": MODEST_RATE,
            "modest_p50_ms": modest["latency_ms"]["200"]["p50"],
            "modest_p99_ms": modest["latency_ms"]["200"]["p99"],
            **_overload_figures("double", double, peak, steady),
            **_overload_figures("overload", flood, peak, steady),
            "batched_images_per_second": round(BATCH_SIZE * many["goodput"], 1),
            "listed_images_per_second": round(BATCH_SIZE * lists["goodput"], 1),
            "photos_per_second": rate,
            "photo_p50_ms": slow["latency_ms"]["200"]["p50"],
            **_overload_figures("photo_overload", slow_flood, rate, slow),
        }
    return {"figures": figures, "loads": loads.results, "exit_code": server.process.returncode}


def _overload_figures(
    name: str, flood: dict[str, Any], peak: float, usual: dict[str, Any]
) -> dict[str, int | float]:
    """Return the figures of an overload: accepted and rejected requests."""
    figures = {
        f"{name}_offered_per_second": flood["sent_per_second"],
        f"{name}_goodput_share": round(flood["goodput"] / peak, 4),
        f"{name}_resets": flood["resets"],
    }
    if latency := flood["latency_ms"].get("200"):
        times = latency["p99"] / usual["latency_ms"]["200"]["p99"]
        figures |= {f"{name}_p99_ms": latency["p99"], f"{name}_p99_times_usual": round(times, 2)}
    for since, by_status in (("due", flood["latency_ms"]), ("sent", flood["since_sent_ms"])):
        for key, value in (by_status.get("503") or {}).items():
            figures[f"{name}_503_{key}_ms_since_{since}"] = value
    return figures


def measure_baseline(name: str, workload: Workload, seconds: float) -> dict[str, Any]:
    """Start a server of `SERVER_BASELINES` and measure its peak rate.

    Raises:
        EnvironmentFailure: If the server does not start or does not respond.
    """
    requests = [SERVER_BASELINES[name].request(image) for image in workload.images]
    with server_process.start_baseline(name) as server:
        at_start = _settled_memory(server)
        loads = LoadRunner(server, seconds)
        first = record_expected(
            server.port, requests[:NUM_LABELS_COMPARED]
        )  # they are slow: Keras compiles
        best = loads.closed("images", requests, BASELINE_CONNECTIONS)
        if not best["goodput"]:
            raise EnvironmentFailure(f"{name} gave no response: {best['failures']}")
        figures = _common_figures(server, at_start, best)
    labels = [SERVER_BASELINES[name].label(json.loads(one.expected or b"")) for one in first]
    expected = predict_in_process(workload.images[:NUM_LABELS_COMPARED], Path(catalog.PRETRAINED))
    figures["first_labels_as_ours"] = sum(
        label == prediction.label for label, prediction in zip(labels, expected, strict=True)
    )
    return {"figures": figures, "loads": loads.results, "exit_code": server.process.returncode}


def _settled_memory(server: ServerProcess) -> dict[str, int | float] | None:
    """Return the memory once late child processes have started."""
    time.sleep(SETTLE_S)
    return server.memory()


def _common_figures(
    server: ServerProcess, at_start: dict[str, int | float] | None, best: dict[str, Any]
) -> dict[str, int | float]:
    """Return the figures that all contenders have."""
    figures = {
        "ready_seconds": server.ready_seconds,
        "requests_per_second": best["goodput"],
        "p50_ms": best["latency_ms"]["200"]["p50"],
        "p99_ms": best["latency_ms"]["200"]["p99"],
    }
    for when, sizes in (("at_start", at_start), ("at_end", server.memory())):
        figures |= {f"{key}_{when}": value for key, value in (sizes or {}).items()}
    return figures
