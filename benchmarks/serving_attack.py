"""Attack the server for a minute while others use it as they should.

    python benchmarks/serving_attack.py --seconds 60

Hostile requests in turn (hostile.py), beside 200 connections that send a byte a second and clients
that leave in the middle. Meanwhile a load client asks as people do and compares every answer. The
memory of all processes of the server must not grow by 50 MiB, nothing may be answered with 5xx but
503, and whoever asks properly must be served. Writes benchmarks/results/serving_attack.json.
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

import hostile
from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from lib import payloads, server_process
from lib.load_spec import LoadRequest, LoadSpec, finish_load, record_expected, run_load, start_load
from lib.server_process import PATH, ServerProcess, process_tree

RESULT = Path(__file__).parent / "results/serving_attack.json"
SLOW = 200  # connections
CALM = 4.0  # seconds of proper use before and after
ALLOWED_GROWTH = 50.0  # MiB
OK = ("200", "503")  # 503: many were there before
INTERVAL = 0.2  # seconds between looks at the memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--serve", nargs="*", default=[], help="options of ankleboot serve")
    arguments = parser.parse_args()
    images, photos = payloads.images(200), payloads.photos(10)
    asked = [LoadRequest(PATH, "image/png", image) for image in images]
    asked += [LoadRequest(PATH, "image/jpeg", photo) for photo in photos]
    with server_process.start_ankleboot(arguments.serve) as server:
        found = attack(server, record_expected(server.port, asked), photos[0], arguments.seconds)
    found |= {"exit_code": server.process.returncode}
    found = {"command": " ".join(["python", *sys.argv])} | found
    write_json(arguments.out, found | machine_info())
    print(json.dumps({key: found[key] for key in found if key != "memory_mib"}, indent=2))
    return int(bool(found["faults"]))


class Memory(threading.Thread):
    """Looks at the server's memory again and again, and notes what was going on."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(daemon=True)
        self.doing = "calm"
        self.seen: list[tuple[str, float]] = []
        self._server, self._over = server, threading.Event()

    def run(self) -> None:
        while not self._over.wait(INTERVAL):
            if (sizes := self._server.memory()) is not None:
                self.seen.append((self.doing, sizes["pss_mib"]))

    def stop(self) -> None:
        self._over.set()
        self.join()

    def usual(self, doing: str) -> float:
        return statistics.median(size for what, size in self.seen if what == doing)

    def most(self) -> dict[str, float]:
        """The most at every thing that was going on."""
        found: dict[str, float] = {}
        for what, size in self.seen:
            found[what] = max(size, found.get(what, 0.0))
        return found


def attack(
    server: ServerProcess, asked: list[LoadRequest], photo: bytes, seconds: float
) -> dict[str, Any]:
    """Calm, attack, calm; what was answered, and what the memory did."""
    proper = LoadSpec(port=server.port, connections=3, seconds=CALM)
    before = run_load(proper, asked)  # also what fills caches and pools
    memory, pids = Memory(server), process_tree(server.process.pid)
    sizes = [server.memory_of_each()]
    memory.start()
    run_load(proper, asked)
    calm = memory.usual("calm")
    client = start_load(LoadSpec(port=server.port, connections=3, seconds=seconds), asked)
    answers, slow = hurt(server, memory, photo, seconds)
    during = finish_load(client)
    memory.doing = "calm again"
    after = run_load(proper, asked)
    sizes.append(server.memory_of_each())
    pids_after, at_end = process_tree(server.process.pid), memory.usual("calm again")
    memory.doing = "the largest picture that is allowed"
    largest = hostile.post(server.port, "image/png", hostile.one_color(5_000, "RGB"))
    memory.stop()
    most = memory.most()
    largest_mib = most.pop("the largest picture that is allowed", None)
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
        "memory_mib": [size for _, size in memory.seen],
    }
    return found | {"faults": faults(found, [before, during, after])}


def hurt(
    server: ServerProcess, memory: Memory, photo: bytes, seconds: float
) -> tuple[dict[str, dict[str, int]], dict[str, Any]]:
    """All hostile requests in turn until the time is over; the answers by request."""
    attacks: dict[str, Callable[[int], str]] = {
        **hostile.USUAL,
        **hostile.bombs(),
        "100 clients leave": lambda port: hostile.leavers(port, photo),
    }
    answers: dict[str, Counter[str]] = {name: Counter() for name in attacks}
    slow, over = hostile.Slow(server.port, SLOW), threading.Event()

    def drip() -> None:
        while not over.wait(1.0):
            slow.step()

    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for name, shoot in attacks.items():
            memory.doing = name
            answers[name][shoot(server.port)] += 1
    over.set()
    dripping.join()
    slow.close()
    ends = {
        f"slow in the {where}": {"closed_by_server": len(seconds), "longest_seconds": max(seconds)}
        for where, seconds in slow.ended.items()
    }
    return {name: dict(found) for name, found in answers.items()}, {"at_once": SLOW} | ends


def brief(result: dict[str, Any]) -> dict[str, Any]:
    keys = ("sent", "statuses", "wrong", "failures", "goodput", "latency_ms")
    return {key: result[key] for key in keys}


def faults(found: dict[str, Any], proper: list[dict[str, Any]]) -> list[str]:
    """What must not be, in words."""
    said = [
        f"{name}: {answer}"
        for name, answers in found["answers"].items()
        for answer in answers
        if (answer.startswith("5") and answer != "503") or answer in ("200", "silence")
    ]
    for result in proper:
        said += [f"proper client: {status}" for status in result["statuses"] if status not in OK]
        said += [f"proper client: {name}" for name, num in result["failures"].items() if num]
        said += ["proper client: wrong answer"] * bool(result["wrong"])
    if found["most_grown_mib"] >= ALLOWED_GROWTH:
        said.append(f"memory grew by {found['most_grown_mib']} MiB")
    if found["processes_replaced"]:
        said.append(f"{found['processes_replaced']} processes ended")
    return said


if __name__ == "__main__":
    sys.exit(main())
