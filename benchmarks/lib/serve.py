"""Requests per second, latency, overload and correctness of the server, beside baselines.

The load generator shares the machine with the servers. Its processor time (`client_cpu_seconds` of
every load) is time that the server does not get.
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
from lib import correctness, serve_workloads, server_process
from lib.load_stats import FAILURES
from lib.server_baselines import SERVER_BASELINES

OURS = "ankleboot"
NAMES = (OURS, *SERVER_BASELINES)
LOAD_S = 5.0  # duration of every load
PACKAGES = ("ai-edge-litert", "fastapi", "gradio", "pillow", "starlette", "uvicorn", "uvloop")

Progress = Callable[[str], None]


def measure_serving(
    rounds: int,
    only: Sequence[str],
    requests: int,
    models: Sequence[str],
    progress: Progress,
    *,
    seconds: float = LOAD_S,
) -> dict[str, Any]:
    """Measure the contenders round by round (A B A B), each in fresh processes.

    Args:
        rounds: Number of measurements of each contender.
        only: Names of contenders; all if empty.
        requests: Number of requests of the correctness check; 0 skips it.
        models: Values of `ankleboot serve --model`; the default of the command if empty. The
            baselines serve the shipped model.
        progress: Function called with a line of progress.
        seconds: Duration of every load.

    Returns:
        "summary" (one row per contender: medians over the rounds; "ratio" is the median over the
        rounds of our requests per second over those of the contender), "faults" of our server under
        all loads, "correctness", "runs", "left_out", and machine information.

    Raises:
        UsageError: If a contender is unknown.
        EnvironmentFailure: If a server does not start, or gives no response.
    """
    names = _available(only, progress)
    left_out = [name for name in only or NAMES if name not in names]
    options = [f"--model={model}" for model in models]
    workload = serve_workloads.Workload()
    rows = []
    for round_ in range(rounds):
        for name in names:
            if name == OURS:
                row = serve_workloads.measure_ours(options, workload, seconds)
            else:
                row = serve_workloads.measure_baseline(name, workload, seconds)
            rows.append({"name": name, "round": round_} | row)
            progress(f"round {round_ + 1}/{rounds}  {name:<14}  {_sentence(row['figures'])}")
    checked = None
    if OURS in names and requests:
        with server_process.start_ankleboot(options) as server:
            model = models[0] if models else catalog.PRETRAINED
            checked = correctness.check_correctness(server.port, requests, model, progress)
    return {
        "seconds_per_load": seconds,
        "summary": summarize(rows),
        "faults": count_faults(rows),
        "correctness": checked,
        "left_out": left_out,
        "runs": rows,
        "packages": {name: metadata.version(name) for name in PACKAGES if _is_installed(name)},
        **machine_info(),
    }


def _available(only: Sequence[str], progress: Progress) -> list[str]:
    """Return the requested contenders that have their packages installed."""
    if unknown := [name for name in only if name not in NAMES]:
        raise UsageError(f"unknown contender {unknown[0]!r}; valid: {', '.join(NAMES)}")
    available = []
    for name in dict.fromkeys(only or NAMES):
        modules = SERVER_BASELINES[name].required_modules if name in SERVER_BASELINES else ()
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            progress(f"{name} is left out: {missing[0]} is not installed")
        else:
            available.append(name)
    return available


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


def summarize(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per contender: medians over its rounds, and the ratio."""
    rate = "requests_per_second"
    reference = {row["round"]: row["figures"][rate] for row in rows if row["name"] == OURS}
    summary = []
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        keys = dict.fromkeys(key for row in own for key in row["figures"])
        ratios = [
            reference[row["round"]] / row["figures"][rate]
            for row in own
            if row["round"] in reference
        ]
        summary.append(
            {"name": name, "runs": len(own), "ratio": statistics.median(ratios) if ratios else None}
            | {"ratios": ratios}
            | {
                key: statistics.median(row["figures"][key] for row in own if key in row["figures"])
                for key in keys
            }
        )
    return summary


def count_faults(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Count wrong responses, failures and resets of our server over all loads."""
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
