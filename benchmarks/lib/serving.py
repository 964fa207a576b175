"""One contender of `bench serve`, measured once."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.models.pretrained import catalog
from lib import payloads, servers
from lib.correctness import in_process
from lib.load import Load, Request, alone, drive
from lib.peers import PEERS
from lib.servers import PATH, Server

CONNECTIONS = (8, 16, 32, 64)  # of a closed loop; the best counts
PHOTO_CONNECTIONS = (4, 16)
PEER_CONNECTIONS = (1, 8, 32)
NUM_IMAGES, NUM_PHOTOS, BATCH = 500, 25, 64
STEADY = 0.7  # of the peak, at which latency is measured
MODEST = 560.0  # requests per second: 70 % of what the server was asked to reach at least
OVERLOAD = 5.0  # times the peak
FIRST = 20  # answers of a peer whose labels are compared with ours
SETTLING = 2.0  # seconds
MOST_OPEN = 800  # connections of an open loop


class Material:
    """The pictures and requests of all rounds, made once."""

    def __init__(self) -> None:
        self.images = payloads.images(NUM_IMAGES)
        photos = payloads.photographs(NUM_PHOTOS)
        files = [[("file", "image.png", "image/png", image)] for image in self.images]
        batches = [self.images[i : i + BATCH] for i in range(0, len(self.images) - BATCH, BATCH)]
        parts = [[("files", "i.png", "image/png", image) for image in some] for some in batches]
        self.raw = [Request(PATH, "image/png", image) for image in self.images]
        self.uploads = [Request(PATH, *payloads.multipart(file)) for file in files]
        self.photos = [Request(PATH, "image/jpeg", photo) for photo in photos]
        self.batches = [Request(PATH, *payloads.multipart(part)) for part in parts]
        self.lists = [Request(PATH, *payloads.as_json(some)) for some in batches]


@dataclass
class Loads:
    """Loads of one server, by name."""

    server: Server
    seconds: float

    def __post_init__(self) -> None:
        self.results: dict[str, dict[str, Any]] = {}

    def closed(
        self, what: str, requests: Sequence[Request], connections: Sequence[int]
    ) -> dict[str, Any]:
        """The best of some closed loops, by right answers per second."""
        found = []
        for num in connections:
            load = Load(port=self.server.port, connections=num, seconds=self.seconds)
            found.append(self._drive(f"{what}, {num} connections", load, requests))
            if not self.server.is_alive:
                break
        return max(found, key=lambda result: float(result["goodput"]))

    def opened(self, what: str, requests: Sequence[Request], rate: float) -> dict[str, Any]:
        """An open loop at a rate, at random moments."""
        load = Load(
            port=self.server.port,
            connections=MOST_OPEN,
            seconds=self.seconds,
            rate=rate,
            poisson=True,
        )
        return self._drive(what, load, requests)

    def _drive(self, name: str, load: Load, requests: Sequence[Request]) -> dict[str, Any]:
        self.results[name] = drive(load, requests)
        return self.results[name]


def measure_ours(options: Sequence[str], material: Material, seconds: float) -> dict[str, Any]:
    """Start our server and put it under all loads.

    Raises:
        EnvironmentFailure: If it does not start or does not answer.
    """
    with servers.ours(options) as server:
        at_start = _settled(server)
        loads = Loads(server, seconds)
        raw, photos = alone(server.port, material.raw), alone(server.port, material.photos)
        best = loads.closed("images", raw, CONNECTIONS)
        peak = best["goodput"]
        uploads = loads.closed("uploads", alone(server.port, material.uploads), CONNECTIONS[1:3])
        steady = loads.opened(f"images at {STEADY:.0%} of the peak", raw, STEADY * peak)
        modest = loads.opened(f"images at {MODEST:.0f} a second", raw, MODEST)
        double = loads.opened("images at twice the peak", raw, 2 * peak)
        flood = loads.opened(f"images at {OVERLOAD:.0f} x the peak", raw, OVERLOAD * peak)
        many = loads.closed(f"batches of {BATCH}", alone(server.port, material.batches), (4,))
        lists = loads.closed(f"lists of {BATCH}", alone(server.port, material.lists), (4,))
        slow = loads.closed("photographs", photos, PHOTO_CONNECTIONS)
        rate = slow["goodput"]
        slow_flood = loads.opened(
            f"photographs at {OVERLOAD:.0f} x the peak", photos, OVERLOAD * rate
        )
        figures = _usual(server, at_start, best) | {
            "uploads_per_second": uploads["goodput"],
            "steady_rate": round(STEADY * peak, 1),
            "steady_p50_ms": steady["latency_ms"]["200"]["p50"],
            "steady_p99_ms": steady["latency_ms"]["200"]["p99"],
            "modest_rate": MODEST,
            "modest_p50_ms": modest["latency_ms"]["200"]["p50"],
            "modest_p99_ms": modest["latency_ms"]["200"]["p99"],
            **_flooded("double", double, peak, steady),
            **_flooded("overload", flood, peak, steady),
            "batched_images_per_second": round(BATCH * many["goodput"], 1),
            "listed_images_per_second": round(BATCH * lists["goodput"], 1),
            "photos_per_second": rate,
            "photo_p50_ms": slow["latency_ms"]["200"]["p50"],
            **_flooded("photo_overload", slow_flood, rate, slow),
        }
    return {"figures": figures, "loads": loads.results, "exit_code": server.process.returncode}


def _flooded(
    name: str, flood: dict[str, Any], peak: float, usual: dict[str, Any]
) -> dict[str, int | float]:
    """What an overload did: to those who were answered, and to those who were turned away."""
    figures = {
        f"{name}_offered_per_second": flood["sent_per_second"],
        f"{name}_goodput_share": round(flood["goodput"] / peak, 4),
        f"{name}_resets": flood["resets"],
    }
    if took := flood["latency_ms"].get("200"):
        times = took["p99"] / usual["latency_ms"]["200"]["p99"]
        figures |= {f"{name}_p99_ms": took["p99"], f"{name}_p99_times_usual": round(times, 2)}
    for since, by_status in (("due", flood["latency_ms"]), ("sent", flood["since_sent_ms"])):
        for key, value in (by_status.get("503") or {}).items():
            figures[f"{name}_503_{key}_ms_since_{since}"] = value
    return figures


def measure_peer(name: str, material: Material, seconds: float) -> dict[str, Any]:
    """Start one of `PEERS` and find how many requests it answers at best.

    Raises:
        EnvironmentFailure: If it does not start or does not answer.
    """
    asked = [PEERS[name].request(image) for image in material.images]
    with servers.peer(name) as server:
        at_start = _settled(server)
        loads = Loads(server, seconds)
        first = alone(server.port, asked[:FIRST])  # they are slow: Keras compiles
        best = loads.closed("images", asked, PEER_CONNECTIONS)
        if not best["goodput"]:
            raise EnvironmentFailure(f"{name} answered nothing: {best['failures']}")
        figures = _usual(server, at_start, best)
    labels = [PEERS[name].label(json.loads(one.expected or b"")) for one in first]
    expected = in_process(material.images[:FIRST], Path(catalog.NAME))
    figures["first_labels_as_ours"] = sum(
        label == prediction.label for label, prediction in zip(labels, expected, strict=True)
    )
    return {"figures": figures, "loads": loads.results, "exit_code": server.process.returncode}


def _settled(server: Server) -> dict[str, int | float] | None:
    """Its memory once processes that it starts late are there, too."""
    time.sleep(SETTLING)
    return server.memory()


def _usual(
    server: Server, at_start: dict[str, int | float] | None, best: dict[str, Any]
) -> dict[str, int | float]:
    """The figures that all contenders have."""
    figures = {
        "ready_seconds": server.ready_seconds,
        "requests_per_second": best["goodput"],
        "p50_ms": best["latency_ms"]["200"]["p50"],
        "p99_ms": best["latency_ms"]["200"]["p99"],
    }
    for when, sizes in (("at_start", at_start), ("at_end", server.memory())):
        figures |= {f"{key}_{when}": value for key, value in (sizes or {}).items()}
    return figures
