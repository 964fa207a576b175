"""Stops of a server under load: each counts the outcomes of the requests that were on their way."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lib.load_spec import LoadRequest, LoadSpec, finish_load, start_load
from lib.load_stats import FAILURES
from lib.server_process import ServerProcess

LOSSES = ("unsent", "lost", "lost_on_kept", "cut_short", "garbled", "timed_out")
"""Failures that lose an accepted request; a refused connection is none."""

TIMEOUT_S = 10.0  # of a request


@dataclass(frozen=True)
class StopClient:
    """A client that keeps the server busy; the requests are sent in turn."""

    connections: int
    requests: Sequence[LoadRequest]
    keep_alive: bool = True


def stop_under_load(
    start: Callable[[], ServerProcess], clients: dict[str, StopClient], moment: float
) -> dict[str, Any]:
    """Start a server, stop it `moment` seconds after the clients began, and count outcomes."""
    with start() as server:
        loads = {
            name: start_load(
                LoadSpec(
                    port=server.port,
                    seconds=60.0,
                    until_refused=True,
                    connections=client.connections,
                    keep_alive=client.keep_alive,
                    timeout=TIMEOUT_S,
                ),
                client.requests,
            )
            for name, client in clients.items()
        }
        time.sleep(moment)
        asked_to_stop = time.perf_counter()
        code = server.stop()  # one SIGTERM: at a second one the server stops at once
        seconds = time.perf_counter() - asked_to_stop
        results = {name: finish_load(load) for name, load in loads.items()}
    keys = ("sent", "statuses", "wrong", "failures", "resets")
    return {
        "moment": round(moment, 3),
        "exit_code": code,
        "stop_seconds": round(seconds, 3),
        **{name: {key: result[key] for key in keys} for name, result in results.items()},
    }


def total_stops(rows: Sequence[dict[str, Any]], clients: Sequence[str]) -> dict[str, Any]:
    """Return the sums over all stops and clients."""
    results = [row[name] for row in rows for name in clients]
    statuses = sum((Counter(result["statuses"]) for result in results), Counter[str]())
    return {
        "stops": len(rows),
        "exit_codes": dict(Counter(str(row["exit_code"]) for row in rows)),
        "sent": sum(result["sent"] for result in results),
        "statuses": dict(statuses),
        "wrong": sum(result["wrong"] for result in results),
        "failures": {
            name: sum(result["failures"][name] for result in results) for name in FAILURES
        },
        "resets": sum(result["resets"] for result in results),
        "slowest_stop_seconds": max((row["stop_seconds"] for row in rows), default=None),
    }


def num_lost(total: dict[str, Any]) -> int:
    """Return the number of accepted requests without a response."""
    return sum(total["failures"][name] for name in LOSSES)
