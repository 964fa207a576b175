"""Time to accuracy of our recipes and of baselines, round by round on one machine."""

import importlib.util
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.core.subprocesses import machine_info, run_isolated
from lib.training_baselines import CONTENDERS, REQUIRED_MODULES

TARGET = 0.9123  # published test accuracy of the Keras script
REFERENCE = next(iter(CONTENDERS))
FIRST_ROUND_ONLY = ("keras-script-onednn", "leaky", *REQUIRED_MODULES)
"""Contenders of the first round only: their comparison needs no pairs."""


def measure_training(
    rounds: int,
    only: Sequence[str],
    data: str,
    progress: Callable[[str], None],
    earlier: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Run the contenders round by round (A B A B), each in a fresh process.

    The seed is the number of the round, which goes on from the rounds of `earlier` runs.

    Returns:
        "runs" (one row per run), "summary" (one per contender; "ratio" is the median over rounds
        of the reference's seconds over the contender's), "gemm_peak_gflops", "left_out", and
        machine information.

    Raises:
        UsageError: If a contender is unknown.
        EnvironmentFailure: If one fails.
    """
    if unknown := [name for name in only if name not in CONTENDERS]:
        valid = ", ".join(CONTENDERS)
        raise UsageError(f"unknown contender {unknown[0]!r}; valid: {valid}")
    names = list(only) or list(CONTENDERS)
    left_out = []
    for name in names:
        if missing := [
            m for m in REQUIRED_MODULES.get(name, ()) if importlib.util.find_spec(m) is None
        ]:
            progress(f"{name} is left out: {missing[0]} is not installed")
            left_out.append(name)
    names = [name for name in names if name not in left_out]
    peaks = run_isolated("lib.gemm_peak")
    progress(f"GEMM peak: float32 {peaks['float32']:.0f}, bfloat16 {peaks['bfloat16']:.0f} GFLOP/s")
    rows = list(earlier)
    first = 1 + max((row["seed"] for row in rows), default=-1)
    for seed in range(first, first + rounds):
        for name in names:
            if seed and name in FIRST_ROUND_ONLY:
                continue
            row = run_isolated("lib.training_baselines", name, str(seed), data)
            rows.append(row)
            progress(
                f"round {seed + 1}/{first + rounds}  {name:<12}  {row['seconds']:7.1f} s  "
                f"{row['cpu_seconds']:7.1f} CPU s  test {100 * row['test_accuracy']:.2f} %"
            )
    return {
        "target": TARGET,
        "runs": rows,
        "summary": summarize(rows, peaks),
        "gemm_peak_gflops": peaks,
        "left_out": left_out,
        **machine_info(),
    }


def summarize(rows: list[dict[str, Any]], peaks: dict[str, float]) -> list[dict[str, Any]]:
    """Return a row per contender, from all its runs."""
    summary = []
    reference = {row["seed"]: row["seconds"] for row in rows if row["name"] == REFERENCE}
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        tests = [row["test_accuracy"] for row in own]
        ratios = [reference[r["seed"]] / r["seconds"] for r in own if r["seed"] in reference]
        gflops = [row["gflops"] for row in own if row["gflops"]]
        reached = [seconds for row in own if (seconds := seconds_to(row["curve"])) is not None]
        summary.append(
            {
                "name": name,
                "runs": len(own),
                "seconds": statistics.median(row["seconds"] for row in own),
                "cpu_seconds": statistics.median(row["cpu_seconds"] for row in own),
                "peak_mib": max((row["peak_mib"] or 0) for row in own),
                "test_accuracy_mean": statistics.mean(tests),
                "test_accuracy_std": statistics.stdev(tests) if len(tests) > 1 else None,
                "ratio": statistics.median(ratios) if ratios else None,
                "ratios": ratios,
                "seconds_to_target": statistics.median(reached) if reached else None,
                "reached_target": len(reached),
                "gflops": statistics.median(gflops) if gflops else None,
                "utilisation": statistics.median(gflops) / peaks[own[0]["precision"]]
                if gflops
                else None,
                "precision": own[0]["precision"],
                "stages": {
                    stage: statistics.median(row["stages"][stage] for row in own)
                    for stage in own[0]["stages"]
                },
            }
        )
    return summary


def seconds_to(curve: Sequence[Sequence[float]]) -> float | None:
    """Return when the validation accuracy first reached the target; None if never."""
    return next((seconds for seconds, accuracy in curve if accuracy >= TARGET), None)
