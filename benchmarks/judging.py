"""Measure the seconds of report and audit, and the calibration of `leaky` at its best epoch.

    ankleboot train leaky --set patience=20 --run-dir runs/leaky-best
    python benchmarks/judging.py runs/leaky-best [--rounds 3]

A patience of 20 in 20 epochs never stops the training, but keeps the best epoch. The script
evaluates the run on the test split if there is no result yet, times `ankleboot report` and
`ankleboot data audit` in fresh processes, and writes judging.json and
audit.json to benchmarks/results.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from ankleboot.models.run import Run

RESULTS = Path(__file__).parents[1] / "benchmarks/results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    run = Run(arguments.run)
    if not (run.folder / "evaluation-test.json").exists():
        command("evaluate", str(run.folder), "--split", "test")
    test = json.loads((run.folder / "evaluation-test.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        report_seconds = []
        for number in range(arguments.rounds):
            page = Path(folder) / f"{number}.html"
            for cached in run.folder.glob("predictions-*.npz"):
                cached.unlink()  # as after a training
            report_seconds.append(command("report", str(run.folder), "--output", str(page)))
        audit = command("data", "audit", "--output", folder + "/audit")
        write_json(
            RESULTS / "audit.json", json.loads((Path(folder) / "audit/audit.json").read_text())
        )
        size = page.stat().st_size
    calibration = run.calibration()
    document: dict[str, Any] = {
        "command": "python benchmarks/judging.py RUN",
        "recipe": run.recipe().to_json(),
        "model_epoch": run.result()["model_epoch"],
        "report_seconds": statistics.median(report_seconds),
        "report_bytes": size,
        "audit_seconds": audit,
        "temperature": calibration.temperature if calibration else None,
        "test": {key: test[key] for key in ("accuracy", "ece", "ece_ci95", "loss", "test_reads")},
        **machine_info(),
    }
    write_json(RESULTS / "judging.json", document)
    print(json.dumps({k: document[k] for k in ("report_seconds", "audit_seconds", "test")}))


def command(*arguments: str) -> float:
    """Run a command and return its seconds."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ankleboot", *arguments], check=True, stdout=subprocess.DEVNULL
    )
    return round(time.perf_counter() - started, 2)


if __name__ == "__main__":
    main()
