"""Measure wall and CPU seconds of `ankleboot report` by part, also beside an earlier version.

    ankleboot train leaky --set epochs=2 --run-dir runs/leaky-short
    python benchmarks/report_time.py runs/leaky-short [--before SRC] [--output FILE]

Each report is written in a fresh process, from a copy of the run without stored predictions, as
after a training; its time does not depend on the weights. `--before` names the folder `src` of an
earlier version, which takes turns with this one: "ratio" is the median over the rounds. On a busy
machine ("load" is the load average of a minute) compare CPU seconds. Writes
benchmarks/results/report.json; give a result of AVX2 alone the name avx2/report.json.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info, run_isolated
from ankleboot.models.run import Run

KEYS = "seconds", "cpu_seconds"
RESULT = Path(__file__).parents[1] / "benchmarks/results/report.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, help="folder src of an earlier version")
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args()
    sources: dict[str, Path | None] = {"now": None}
    if arguments.before:
        sources["before"] = arguments.before.resolve()
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in sources}
    for number in range(arguments.rounds):
        for name, source in reversed(sources.items()):
            rows[name].append(measure(arguments.run, source))
            print(
                f"round {number + 1}, {name}: {[rows[name][-1][key] for key in KEYS]}", flush=True
            )
    document: dict[str, Any] = {
        "command": "python benchmarks/report_time.py RUN",
        "recipe": Run(arguments.run).recipe().name,
        **summarize(rows["now"]),
        **machine_info(),
    }
    if arguments.before:
        document["before"] = summarize(rows["before"])
        document |= compare(rows["before"], rows["now"])
    write_json(arguments.output, document)
    print(json.dumps({key: document.get(key) for key in ("parts", *KEYS, "ratio", "cpu_ratio")}))


def measure(run: Path, source: Path | None) -> dict[str, Any]:
    """Write a report in a process of its own and return its parts."""
    with tempfile.TemporaryDirectory() as folder, first_on_path(source):
        copy = Path(folder) / run.resolve().name
        shutil.copytree(run, copy, ignore=shutil.ignore_patterns("predictions-*.npz"))
        load = os.getloadavg()[0]
        row = run_isolated("lib.report_parts", str(copy), str(Path(folder) / "report.html"))
    if source is not None and not Path(row["source"]).is_relative_to(source):
        sys.exit(f"{source}: expected a folder with the package, measured {row['source']}")
    return row | {"load": round(load, 1)}


@contextmanager
def first_on_path(source: Path | None) -> Iterator[None]:
    """Let child processes import the package from another folder."""
    path = list(sys.path)
    if source is not None:
        sys.path.insert(0, str(source))
    try:
        yield
    finally:
        sys.path[:] = path


def summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return medians over the rounds, the parts that take longest first."""
    medians = {
        name: {key: median(row["parts"][name][key] for row in rows) for key in KEYS}
        for name in rows[0]["parts"]
    }
    return {
        **{key: median(row[key] for row in rows) for key in KEYS},
        "bytes": rows[-1]["bytes"],
        "parts": dict(sorted(medians.items(), key=lambda part: -part[1]["seconds"])),
        "rounds": [{key: row[key] for key in (*KEYS, "load")} for row in rows],
    }


def median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 2)


def compare(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median ratio of the pairs, and whether the reports say the same."""
    pairs = list(zip(before, now, strict=True))
    return {
        "ratio": median(b["seconds"] / n["seconds"] for b, n in pairs),
        "cpu_ratio": median(b["cpu_seconds"] / n["cpu_seconds"] for b, n in pairs),
        "same_sentences": all(b["sentences"] == n["sentences"] for b, n in pairs),
    }


if __name__ == "__main__":
    main()
