"""The server beside tutorials' demos: requests per second, latency, overload, correctness.

Client and servers share this machine: what the client takes of the processor (`client_cpu_seconds`
of every load) the server does not have.
"""

import importlib.util
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.core.subprocesses import machine_info
from ankleboot.models.pretrained import catalog
from lib import correctness, servers, serving
from lib.peers import PEERS
from lib.tally import FAILURES

OURS = "ankleboot"
NAMES = (OURS, *PEERS)
SECONDS = 5.0  # of every load
PACKAGES = ("ai-edge-litert", "fastapi", "gradio", "pillow", "starlette", "uvicorn", "uvloop")

Say = Callable[[str], None]


def run(
    rounds: int,
    only: Sequence[str],
    requests: int,
    models: Sequence[str],
    say: Say,
    *,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """Measure the contenders round by round (A B A B), each in fresh processes.

    Args:
        rounds: How often each is measured.
        only: Contenders; all if empty.
        requests: How many the check of correctness sends; 0 leaves it out.
        models: As `ankleboot serve --model`; its own choice if empty. The peers serve the shipped
            one.
        say: Called with a line of progress.
        seconds: Of every load.

    Returns:
        "summary" (one row per contender: medians over the rounds; "ratio" is the median over the
        rounds of our requests per second over its own), "faults" of our server under all loads,
        "correctness", "runs", "left_out", and the circumstances.

    Raises:
        UsageError: If a contender is unknown.
        EnvironmentFailure: If a server does not start, or a contender answers nothing.
    """
    names = _present(only, say)
    left_out = [name for name in only or NAMES if name not in names]
    options = [f"--model={model}" for model in models]
    material = serving.Material()
    rows = []
    for round_ in range(rounds):
        for name in names:
            if name == OURS:
                row = serving.measure_ours(options, material, seconds)
            else:
                row = serving.measure_peer(name, material, seconds)
            rows.append({"name": name, "round": round_} | row)
            say(f"round {round_ + 1}/{rounds}  {name:<14}  {_sentence(row['figures'])}")
    checked = None
    if OURS in names and requests:
        with servers.ours(options) as server:
            model = models[0] if models else catalog.NAME
            checked = correctness.check(server.port, requests, model, say)
    return {
        "seconds_per_load": seconds,
        "summary": summary(rows),
        "faults": faults(rows),
        "correctness": checked,
        "left_out": left_out,
        "runs": rows,
        "packages": {name: metadata.version(name) for name in PACKAGES if _is_installed(name)},
        **machine_info(),
    }


def _present(only: Sequence[str], say: Say) -> list[str]:
    """The contenders that are wanted, without those that lack a package."""
    if unknown := [name for name in only if name not in NAMES]:
        raise UsageError(f"unknown contender {unknown[0]!r}; valid: {', '.join(NAMES)}")
    found = []
    for name in dict.fromkeys(only or NAMES):
        needs = PEERS[name].needs if name in PEERS else ()
        missing = [module for module in needs if importlib.util.find_spec(module) is None]
        if missing:
            say(f"{name} is left out: {missing[0]} is not installed")
        else:
            found.append(name)
    return found


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _sentence(figures: dict[str, int | float]) -> str:
    return (
        f"{figures['requests_per_second']:8.1f} requests/s  p50 {figures['p50_ms']:8.2f} ms  "
        f"ready in {figures['ready_seconds']:.2f} s"
    )


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line per contender: the median over its rounds of every figure, and the ratio."""
    rate = "requests_per_second"
    reference = {row["round"]: row["figures"][rate] for row in rows if row["name"] == OURS}
    found = []
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        keys = dict.fromkeys(key for row in own for key in row["figures"])
        ratios = [
            reference[row["round"]] / row["figures"][rate]
            for row in own
            if row["round"] in reference
        ]
        found.append(
            {"name": name, "runs": len(own), "ratio": statistics.median(ratios) if ratios else None}
            | {"ratios": ratios}
            | {
                key: statistics.median(row["figures"][key] for row in own if key in row["figures"])
                for key in keys
            }
        )
    return found


def faults(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What should not happen to our server's clients, counted over all loads."""
    loads = [load for row in rows if row["name"] == OURS for load in row["loads"].values()]
    statuses = sum((Counter(load["statuses"]) for load in loads), Counter[str]())
    without = statuses["503"] + statuses["429"] - sum(load["with_retry_after"] for load in loads)
    return {
        "sent": sum(load["sent"] for load in loads),
        "statuses": dict(sorted(statuses.items())),
        "wrong": sum(load["wrong"] for load in loads),
        "failures": {name: sum(load["failures"][name] for load in loads) for name in FAILURES},
        "resets": sum(load["resets"] for load in loads),
        "without_retry_after": without,
        "exit_codes": sorted({row["exit_code"] for row in rows if row["name"] == OURS}),
    }
