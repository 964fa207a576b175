"""Measure the seconds of the data audit, and the calibration of `leaky` at its best epoch.

    ankleboot train leaky --set patience=20 --run-dir runs/leaky-best
    python benchmarks/judging.py runs/leaky-best

A patience of 20 in 20 epochs never stops the training, but keeps the best epoch. The script
evaluates the run on the test split if there is no result yet, times `ankleboot data audit` in a
fresh process, and writes judging.json and audit.json to benchmarks/results. The report has a
benchmark of its own, report_time.py.
"""

import argparse
import json
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
    arguments = parser.parse_args()
    run = Run(arguments.run)
    if not (run.folder / "evaluation-test.json").exists():
        command("evaluate", str(run.folder), "--split", "test")
    test = json.loads((run.folder / "evaluation-test.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        audit = command("data", "audit", "--output", folder + "/audit")
        write_json(
            RESULTS / "audit.json", json.loads((Path(folder) / "audit/audit.json").read_text())
        )
    calibration = run.calibration()
    document: dict[str, Any] = {
        "command": "python benchmarks/judging.py RUN",
        "recipe": run.recipe().to_json(),
        "model_epoch": run.result()["model_epoch"],
        "audit_seconds": audit,
        "temperature": calibration.temperature if calibration else None,
        "test": {key: test[key] for key in ("accuracy", "ece", "ece_ci95", "loss", "test_reads")},
        **machine_info(),
    }
    write_json(RESULTS / "judging.json", document)
    print(json.dumps({k: document[k] for k in ("audit_seconds", "test")}))


def command(*arguments: str) -> float:
    """Run a command and return its seconds."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ankleboot", *arguments], check=True, stdout=subprocess.DEVNULL
    )
    return round(time.perf_counter() - started, 2)


if __name__ == "__main__":
    main()
