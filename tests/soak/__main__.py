"""Command line of the soak; see the package."""

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

from ankleboot.core import environment
from ankleboot.core.files import make_folder, write_json
from soak.catalog import PROMISES
from soak.promise import Outcome, Promise
from soak.system import shim

RESULTS = Path(__file__).parents[2] / "benchmarks/results/soak"
SHORT_S = 75.0


def main() -> int:
    arguments = _parse()
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    promises = [one for one in PROMISES if not arguments.only or one.name in arguments.only]
    if shim.library() is None:
        for promise in (left_out := [one for one in promises if one.needs_compiler]):
            print(f"left out, for want of Linux and a C compiler: {promise.text}", flush=True)
        promises = [one for one in promises if one not in left_out]
    seconds = SHORT_S if arguments.short else 60 * arguments.minutes
    print(f"seed {seed}", flush=True)
    rows, total = {}, sum(promise.weight for promise in promises)
    for promise in promises:
        started, share = time.monotonic(), seconds * promise.weight / total
        outcome = promise.hold(seed, share, short=arguments.short, only=arguments.case)
        rows[promise.name] = _row(promise, outcome, time.monotonic() - started)
        _print(promise, outcome, rows[promise.name]["seconds"], seed)
    if not (arguments.short or arguments.only):
        make_folder(RESULTS)
        write_json(RESULTS / f"seed-{seed}.json", _document(seed, arguments.minutes, rows))
    return int(any(row["failures"] for row in rows.values()))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="time, shared out by weight")
    parser.add_argument("--seed", type=int, help="decides every case; drawn if it is not given")
    names = [promise.name for promise in PROMISES]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--case", type=int, help="number of the one case to repeat")
    parser.add_argument("--short", action="store_true", help="a few minutes")
    arguments = parser.parse_args()
    if arguments.case is not None and len(arguments.only or ()) != 1:
        parser.error("--case needs --only with one name")
    return arguments


def _row(promise: Promise, outcome: Outcome, seconds: float) -> dict[str, Any]:
    return {
        "promise": promise.text,
        "cases": outcome.cases,
        "kept": outcome.kept,
        "seconds": round(seconds),
        "counts": dict(sorted(outcome.counts.items())),
        "failures": outcome.failures,
    }


def _print(promise: Promise, outcome: Outcome, seconds: int, seed: int) -> None:
    if outcome.left_out:
        print(f"left out, as {outcome.left_out}: {promise.text}", flush=True)
        return
    verdict = "BROKEN" if outcome.failures else "kept  "
    count = f"{outcome.kept:,} of {outcome.cases:,}"
    print(f"{verdict} {count:>18}  {promise.text}  {seconds} s", flush=True)
    for failure in outcome.failures:
        print(f"       {failure}", file=sys.stderr)
    if outcome.failures:
        print(f"       repeat: make soak SEED={seed} ONLY={promise.name} CASE=n", file=sys.stderr)


def _document(seed: int, minutes: float, rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "command": f"make soak SEED={seed} MINUTES={minutes:g}",
        "seed": seed,
        "promises": rows,
        "hardware": environment.hardware(),
        "versions": environment.versions(),
        "date": time.strftime("%Y-%m-%d"),
    }


if __name__ == "__main__":
    sys.exit(main())
