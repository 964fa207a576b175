"""Stop the server under load many times, and count lost requests.

    python benchmarks/serving_stops.py --stops 50

Three clients keep the server busy: with connections that stay open, with one connection per
request, and with photos, which take longest. At a random moment the server gets a SIGTERM. It must
exit with 0 and respond to every accepted request. A refused connection is not a loss; a connection
that ends without a response is one. Writes benchmarks/results/serving_stops.json.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from lib import payloads, server_process
from lib.load_spec import LoadRequest, LoadSpec, finish_load, record_expected, start_load
from lib.load_stats import FAILURES
from lib.server_process import PATH

RESULT = Path(__file__).parent / "results/serving_stops.json"
MIN_MOMENT_S, MAX_MOMENT_S = 0.7, 2.5  # from the start of the clients to SIGTERM
LOSSES = ("unsent", "lost", "lost_on_kept", "cut_short", "garbled", "timed_out")
KINDS: dict[str, dict[str, Any]] = {
    "kept": {"connections": 12},
    "one request a connection": {"connections": 6, "keep_alive": False},
    "photographs": {"connections": 3},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stops", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--serve", nargs="*", default=[], help="options of ankleboot serve")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    images, photos = payloads.images(200), payloads.photos(10)
    asked = {
        "kept": [LoadRequest(PATH, "image/png", image) for image in images],
        "photographs": [LoadRequest(PATH, "image/jpeg", photo) for photo in photos],
    }
    with server_process.start_ankleboot(arguments.serve) as server:
        asked = {kind: record_expected(server.port, requests) for kind, requests in asked.items()}
    asked["one request a connection"] = asked["kept"]
    rows = []
    for number in range(arguments.stops):
        rows.append(stop(asked, moments.uniform(MIN_MOMENT_S, MAX_MOMENT_S), arguments.serve))
        print(number + 1, json.dumps(rows[-1]), flush=True)
    found = total(rows) | {"command": " ".join(["python", *sys.argv])}
    write_json(arguments.output, found | {"runs": rows} | machine_info())
    print(json.dumps(found, indent=2))
    return int(any(found["failures"][name] for name in LOSSES) or set(found["exit_codes"]) != {"0"})


def stop(
    asked: dict[str, list[LoadRequest]], moment: float, options: list[str]
) -> dict[str, dict[str, Any] | float | int]:
    """Start a server, stop it under load, and count the outcomes of the requests."""
    with server_process.start_ankleboot(options) as server:
        clients = {
            kind: start_load(
                LoadSpec(port=server.port, seconds=60.0, until_refused=True, **KINDS[kind]),
                requests,
            )
            for kind, requests in asked.items()
        }
        time.sleep(moment)
        asked_to_stop = time.perf_counter()
        code = server.stop()  # one SIGTERM: at a second one the server stops at once
        seconds = time.perf_counter() - asked_to_stop
        found = {kind: finish_load(client) for kind, client in clients.items()}
    keys = ("sent", "statuses", "wrong", "failures", "resets")
    return {
        "moment": round(moment, 3),
        "exit_code": code,
        "stop_seconds": round(seconds, 3),
        **{kind: {key: result[key] for key in keys} for kind, result in found.items()},
    }


def total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums over all stops."""
    results = [row[kind] for row in rows for kind in KINDS]
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


if __name__ == "__main__":
    sys.exit(main())
