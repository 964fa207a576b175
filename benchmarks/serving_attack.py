"""Attack the server for a minute while ordinary clients use it.

    python benchmarks/serving_attack.py --seconds 60

Hostile requests (hostile_requests.py) run in turn, beside 200 connections that send a byte per
second and clients that disconnect. Meanwhile a load client sends ordinary requests and compares
each response. The memory of the server must grow by less than 50 MiB, no status above 499 but 503
may occur, and all ordinary requests must get responses. Writes
benchmarks/results/serving_attack.json.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_requests
from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from lib import payloads, server_process
from lib.load_spec import LoadRequest, LoadSpec, finish_load, record_expected, run_load, start_load
from lib.server_process import PATH, ServerProcess, process_tree

RESULT = Path(__file__).parent / "results/serving_attack.json"
NUM_SLOW_CLIENTS = 200
CALM_S = 4.0  # ordinary use before and after
MAX_GROWTH_MIB = 50.0
EXPECTED_STATUSES = ("200", "503")  # 503: the queue was full
SAMPLING_PERIOD_S = 0.2  # of the memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--serve", nargs="*", default=[], help="options of ankleboot serve")
    arguments = parser.parse_args()
    images, photos = payloads.images(200), payloads.photos(10)
    requests = [LoadRequest(PATH, "image/png", image) for image in images]
    requests += [LoadRequest(PATH, "image/jpeg", photo) for photo in photos]
    with server_process.start_ankleboot(arguments.serve) as server:
        found = attack(server, record_expected(server.port, requests), photos[0], arguments.seconds)
    found |= {"exit_code": server.process.returncode}
    found = {"command": " ".join(["python", *sys.argv])} | found
    write_json(arguments.output, found | machine_info())
    print(json.dumps({key: found[key] for key in found if key != "memory_mib"}, indent=2))
    return int(bool(found["faults"]))


class MemorySampler(threading.Thread):
    """Thread that samples the server's memory and the current action."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(daemon=True)
        self.action = "calm"
        self.samples: list[tuple[str, float]] = []
        self._server, self._stopped = server, threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(SAMPLING_PERIOD_S):
            if (sizes := self._server.memory()) is not None:
                self.samples.append((self.action, sizes["pss_mib"]))

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def median(self, action: str) -> float:
        return statistics.median(size for name, size in self.samples if name == action)

    def largest(self) -> dict[str, float]:
        """Return the largest memory of each action."""
        sizes: dict[str, float] = {}
        for name, size in self.samples:
            sizes[name] = max(size, sizes.get(name, 0.0))
        return sizes


def attack(
    server: ServerProcess, requests: list[LoadRequest], photo: bytes, seconds: float
) -> dict[str, Any]:
    """Run ordinary load, the attack, ordinary load; return responses and memory."""
    load = LoadSpec(port=server.port, connections=3, seconds=CALM_S)
    before = run_load(load, requests)  # also what fills caches and pools
    memory, pids = MemorySampler(server), process_tree(server.process.pid)
    sizes = [server.memory_of_each()]
    memory.start()
    run_load(load, requests)
    calm = memory.median("calm")
    client = start_load(LoadSpec(port=server.port, connections=3, seconds=seconds), requests)
    answers, slow = run_attacks(server, memory, photo, seconds)
    during = finish_load(client)
    memory.action = "calm after the attack"
    after = run_load(load, requests)
    sizes.append(server.memory_of_each())
    pids_after, at_end = process_tree(server.process.pid), memory.median("calm after the attack")
    memory.action = "the largest allowed image"
    largest = hostile_requests.post(
        server.port, "image/png", hostile_requests.one_color(5_000, "RGB")
    )
    memory.stop()
    most = memory.largest()
    largest_mib = most.pop("the largest allowed image", None)
    found = {
        "seconds": seconds,
        "answers": answers,
        "slow_connections": slow,
        "proper": {"before": brief(before), "during": brief(during), "after": brief(after)},
        "calm_mib": calm,
        "most_grown_mib": round(max(most.values()) - calm, 1),
        "grown_at_end_mib": round(at_end - calm, 1),
        "most_mib_by_attack": most,
        "each_process_mib_before_and_after": sizes,
        "processes_replaced": len(set(pids) - set(pids_after)),
        "largest_allowed": {"answer": largest, "most_mib": largest_mib},
        "memory_mib": [size for _, size in memory.samples],
    }
    return found | {"faults": faults(found, [before, during, after])}


def run_attacks(
    server: ServerProcess, memory: MemorySampler, photo: bytes, seconds: float
) -> tuple[dict[str, dict[str, int]], dict[str, Any]]:
    """Send all hostile requests in turn until the time is over; count the outcomes by request."""
    attacks: dict[str, Callable[[int], str]] = {
        **hostile_requests.REQUESTS,
        **hostile_requests.bombs(),
        "100 clients leave": lambda port: hostile_requests.disconnect(port, photo),
    }
    answers: dict[str, Counter[str]] = {name: Counter() for name in attacks}
    slow, stopped = hostile_requests.SlowClients(server.port, NUM_SLOW_CLIENTS), threading.Event()

    def drip() -> None:
        while not stopped.wait(1.0):
            slow.step()

    slow_thread = threading.Thread(target=drip, daemon=True)
    slow_thread.start()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for name, send in attacks.items():
            memory.action = name
            answers[name][send(server.port)] += 1
    stopped.set()
    slow_thread.join()
    slow.close()
    ends = {
        f"slow in the {where}": {"closed_by_server": len(seconds), "longest_seconds": max(seconds)}
        for where, seconds in slow.ended.items()
    }
    return {name: dict(found) for name, found in answers.items()}, {
        "at_once": NUM_SLOW_CLIENTS
    } | ends


def brief(result: dict[str, Any]) -> dict[str, Any]:
    keys = ("sent", "statuses", "wrong", "failures", "goodput", "latency_ms")
    return {key: result[key] for key in keys}


def faults(found: dict[str, Any], proper: list[dict[str, Any]]) -> list[str]:
    """Return the violations of the conditions above."""
    violations = [
        f"{name}: {answer}"
        for name, answers in found["answers"].items()
        for answer in answers
        if (answer.startswith("5") and answer != "503") or answer in ("200", "silence")
    ]
    for result in proper:
        violations += [
            f"proper client: {status}"
            for status in result["statuses"]
            if status not in EXPECTED_STATUSES
        ]
        violations += [f"proper client: {name}" for name, num in result["failures"].items() if num]
        violations += ["proper client: wrong answer"] * bool(result["wrong"])
    if found["most_grown_mib"] >= MAX_GROWTH_MIB:
        violations.append(f"memory grew by {found['most_grown_mib']} MiB")
    if found["processes_replaced"]:
        violations.append(f"{found['processes_replaced']} processes ended")
    return violations


if __name__ == "__main__":
    sys.exit(main())
