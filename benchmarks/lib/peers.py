"""Our server beside servers for models: the same file, the same decoding, the same two cores.

Each peer is tried in several settings of its own; the best one counts. The load generator shares
the cores with all of them.
"""

import json
import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.subprocesses import machine_info
from ankleboot.models.pretrained import catalog
from lib import payloads
from lib.correctness import predict_in_process
from lib.load_spec import LoadRequest
from lib.peer_settings import ENVIRONMENTS, OURS, PEERS, SETTINGS, PeerSetting
from lib.serve_workloads import STEADY_SHARE, LoadRunner
from lib.server_process import ServerProcess
from lib.stops import StopClient, num_lost, stop_under_load, total_stops

NUM_IMAGES, NUM_COMPARED = 500, 20
NUM_CORES = 2
TRIAL_S, TRIAL_CONNECTIONS = 2.0, (8, 32)  # of a setting that is tried
CONNECTIONS = (8, 16, 32, 64)  # of a closed loop; the best counts
SETTLE_S = 1.0
TOLERANCE = 1e-5  # of probabilities: the order of additions differs in batches
MIN_MOMENT_S, MAX_MOMENT_S = 0.5, 1.0  # from the start of the clients to SIGTERM
PACKAGES = ("litserve", "bentoml", "mlserver", "ai-edge-litert", "pillow", "starlette", "uvicorn")

Progress = Callable[[str], None]


class Images:
    """Image files, and the predictions that every server must give for the first of them."""

    def __init__(self) -> None:
        self.files = payloads.images(NUM_IMAGES)
        self.expected = predict_in_process(self.files[:NUM_COMPARED], Path(catalog.PRETRAINED))

    def requests(self, setting: PeerSetting) -> list[LoadRequest]:
        return [setting.request(file) for file in self.files]

    def check(self, setting: PeerSetting, server: ServerProcess) -> None:
        """Wait until a server is ready, and compare its predictions with ours.

        Raises:
            EnvironmentFailure: If one differs.
        """
        requests = self.requests(setting)[:NUM_COMPARED]
        server.wait_for_response(requests[0])
        for request, expected in zip(requests, self.expected, strict=True):
            probs = setting.probs(json.loads(_response(server, request)))
            gap = max(abs(probs[label] - prob) for label, prob in expected.probs.items())
            if probs.keys() != expected.probs.keys() or gap > TOLERANCE:
                raise EnvironmentFailure(
                    f"{setting.peer}, {setting.setting}: a probability differs by {gap:g}"
                )


def _response(server: ServerProcess, request: LoadRequest) -> bytes:
    ready_seconds = server.ready_seconds  # stays that of the first response
    body = server.wait_for_response(request)
    server.ready_seconds = ready_seconds
    return body


def measure_peers(
    rounds: int, only: Sequence[str], seconds: float, num_stops: int, progress: Progress
) -> dict[str, Any]:
    """Measure our server and its peers round by round (A B A B), each in fresh processes.

    Args:
        rounds: Number of measurements of each peer in its best setting.
        only: Names of peers; all if empty.
        seconds: Duration of every load.
        num_stops: Number of stops of each peer under load.
        progress: Function called with a line of progress.

    Raises:
        UsageError: If a peer is unknown.
        EnvironmentFailure: If a server does not start, or gives other predictions.
    """
    if unknown := [name for name in only if name not in PEERS]:
        raise UsageError(f"unknown peer {unknown[0]!r}; valid: {', '.join(PEERS)}")
    _use_cores()
    chosen = [s for s in SETTINGS if s.peer in (only or PEERS)]
    for name in dict.fromkeys(s.peer for s in chosen if not s.is_installed):
        progress(f"{name} is left out: run make peers")
    settings = [setting for setting in chosen if setting.is_installed]
    if not settings:
        raise UsageError("none of these servers is installed: run make peers")
    images = Images()
    trials = [try_setting(setting, images, progress) for setting in settings]
    best = best_settings(settings, trials)
    rows = [
        {"round": round_, **measure_peer(setting, images, seconds, progress)}
        for round_ in range(rounds)
        for setting in best
    ]
    stops = {s.peer: measure_stops(s, images, num_stops, progress) for s in best if num_stops}
    return {
        "cores": NUM_CORES,
        "seconds_per_load": seconds,
        "trials": trials,
        "summary": summarize_peers(rows),
        "runs": rows,
        "stops": stops,
        "left_out": [name for name in only or PEERS if name not in {s.peer for s in settings}],
        "packages": _packages(),
        **machine_info(),
    }


def _use_cores() -> None:
    """Run this process and its children on the same few cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:NUM_CORES])


def try_setting(setting: PeerSetting, images: Images, progress: Progress) -> dict[str, Any]:
    """Measure the peak of a setting briefly."""
    with setting.start() as server:
        images.check(setting, server)
        loads = LoadRunner(server, TRIAL_S)
        peak = loads.closed("images", images.requests(setting), TRIAL_CONNECTIONS)["goodput"]
    progress(f"tried {setting.peer}, {setting.setting}: {peak:,.0f} requests/s")
    return {"peer": setting.peer, "setting": setting.setting, "requests_per_second": peak}


def best_settings(
    settings: Sequence[PeerSetting], trials: Sequence[dict[str, Any]]
) -> list[PeerSetting]:
    """Return the setting of each peer that gave most requests per second."""
    best: dict[str, tuple[float, PeerSetting]] = {}
    for setting, trial in zip(settings, trials, strict=True):
        rate = float(trial["requests_per_second"])
        if setting.peer not in best or rate > best[setting.peer][0]:
            best[setting.peer] = (rate, setting)
    return [setting for _, setting in best.values()]


def measure_peer(
    setting: PeerSetting, images: Images, seconds: float, progress: Progress
) -> dict[str, Any]:
    """Measure start, memory, peak, and latency at a share of the peak."""
    requests = images.requests(setting)
    with setting.start() as server:
        images.check(setting, server)
        time.sleep(SETTLE_S)
        at_start = server.memory() or {}
        loads = LoadRunner(server, seconds)
        best = loads.closed("images", requests, CONNECTIONS)
        peak = best["goodput"]
        steady = loads.opened(f"{STEADY_SHARE:.0%} of the peak", requests, STEADY_SHARE * peak)
        at_end = server.memory() or {}
    latency = steady["latency_ms"].get("200") or {}
    figures = {
        "ready_seconds": server.ready_seconds,
        "requests_per_second": peak,
        "steady_rate": round(STEADY_SHARE * peak, 1),
        "steady_p50_ms": latency.get("p50"),
        "steady_p99_ms": latency.get("p99"),
        "failures": sum(sum(load["failures"].values()) for load in loads.results.values()),
        "pss_mib_at_start": at_start.get("pss_mib"),
        "pss_mib_at_end": at_end.get("pss_mib"),
        "processes": at_start.get("processes"),
    }
    progress(
        f"{setting.peer:<10} ready in {server.ready_seconds:.1f} s, {peak:,.0f} requests/s, p99 "
        f"{latency.get('p99')} ms"
    )
    names = {"peer": setting.peer, "setting": setting.setting}
    return names | {"figures": figures, "loads": loads.results}


def summarize_peers(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per peer: medians over its rounds, and our rate over its own, round by round."""
    rates = {(row["peer"], row["round"]): row["figures"]["requests_per_second"] for row in rows}
    summary = []
    for peer in dict.fromkeys(row["peer"] for row in rows):
        own = [row for row in rows if row["peer"] == peer]
        ratios = [
            rates[OURS, row["round"]] / rates[peer, row["round"]]
            for row in own
            if (OURS, row["round"]) in rates and rates[peer, row["round"]]
        ]
        summary.append(
            {
                "peer": peer,
                "setting": own[0]["setting"],
                "runs": len(own),
                "ratio": statistics.median(ratios) if ratios else None,
                **{key: _median(row["figures"][key] for row in own) for key in own[0]["figures"]},
            }
        )
    return summary


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def measure_stops(
    setting: PeerSetting, images: Images, num_stops: int, progress: Progress
) -> dict[str, Any]:
    """Stop a peer under load many times; return the sums, and the requests lost."""
    requests, moments = images.requests(setting), random.Random(0)
    clients = {
        "kept": StopClient(8, requests),
        "one request a connection": StopClient(4, requests, keep_alive=False),
    }

    def start() -> ServerProcess:
        server = setting.start()
        server.wait_for_response(requests[0])
        return server

    rows = []
    for number in range(num_stops):
        rows.append(stop_under_load(start, clients, moments.uniform(MIN_MOMENT_S, MAX_MOMENT_S)))
        if (number + 1) % 10 == 0 or number + 1 == num_stops:
            lost = num_lost(total_stops(rows, list(clients)))
            progress(f"{setting.peer}: {number + 1} stops, {lost} requests lost")
    total = total_stops(rows, list(clients))
    return total | {"lost": num_lost(total), "runs": rows}


def _packages() -> dict[str, dict[str, str]]:
    """Return the versions of packages in each environment of peers."""
    code = (
        "import json, sys\nfrom importlib import metadata\n"
        "names = {d.metadata['Name'].lower(): d.version for d in metadata.distributions()}\n"
        "print(json.dumps({n: names[n] for n in sys.argv[1:] if n in names}))"
    )
    versions = {}
    for name, folder in ENVIRONMENTS.items():
        if (folder / ".done").exists():
            command = [str(folder / "bin/python"), "-c", code, *PACKAGES]
            process = subprocess.run(command, capture_output=True, text=True, check=True)
            versions[name] = json.loads(process.stdout)
    return versions
