"""Kill training at random moments and check that it resumes bit for bit.

    python benchmarks/kills.py --kills 50

The script runs chains of SIGKILL and --resume on the sample, with every option that has state or
randomness (dropout, augmentation, batch normalization, momentum). After each kill the checkpoint
and the best model must load. After each chain the weights must equal those of the unbroken run. The
result is benchmarks/results/kills.json.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ankleboot.core import environment
from ankleboot.core.errors import AnklebootError
from ankleboot.core.files import write_json
from ankleboot.models.run import Run

RESULT = Path(__file__).parent / "results/kills.json"
SETTINGS = {
    "blocks": 1,
    "filters": 4,
    "dense_units": 16,
    "batch_size": 100,
    "epochs": 40,
    "batch_norm": "true",
    "dropout": 0.2,
    "flip": "true",
    "max_shift": 2,
    "rotation": 10,
    "random_erasing": 0.3,
    "hard_example_fraction": 0.5,
    "optimizer": "sgd",
    "schedule": "one_cycle",
}
MAX_DELAY_S = 4.0  # from the line before the first step until the kill


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as base:
        unbroken = Path(base) / "unbroken"
        start(unbroken, resume=False).wait()
        expected = Run(unbroken).result()["weights_sha256"]
        counts = {"kills": 0, "unloadable": 0, "chains": 0, "chains_with_other_weights": 0}
        while counts["kills"] < arguments.kills:
            chain(Path(base) / "broken", expected, counts, arguments.kills, moments)
            print(counts, flush=True)
    write_json(
        RESULT,
        counts
        | {
            "command": f"python benchmarks/kills.py --kills {arguments.kills}",
            "settings": SETTINGS,
            "hardware": environment.hardware(),
            "versions": environment.versions(),
            "date": time.strftime("%Y-%m-%d"),
        },
    )


def start(folder: Path, *, resume: bool) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "ankleboot", "train"]
    if resume:
        command += ["--resume", str(folder)]
    else:
        command += ["leaky", "--data", "sample", "--run-dir", str(folder)]
        for key, value in SETTINGS.items():
            command += ["--set", f"{key}={value}"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def chain(
    folder: Path, expected: str, counts: dict[str, int], max_kills: int, moments: random.Random
) -> None:
    """Start, kill and resume a run until it is complete; the last resume is not killed."""
    shutil.rmtree(folder, ignore_errors=True)
    while not Run(folder).is_complete:
        process = start(folder, resume=(folder / "manifest.json").exists())
        wait_for_start(process)
        if counts["kills"] < max_kills:
            time.sleep(moments.uniform(0, MAX_DELAY_S))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                counts["kills"] += 1
        _, errors = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL):
            raise SystemExit(f"a resumed run failed without a kill: {errors}")
        counts["unloadable"] += not loads(Run(folder))
    counts["chains"] += 1
    counts["chains_with_other_weights"] += Run(folder).result()["weights_sha256"] != expected


def wait_for_start(process: "subprocess.Popen[str]") -> None:
    """Wait for the line that training prints before its first step."""
    for line in process.stderr or []:
        if "run folder" in line:
            return


def loads(run: Run) -> bool:
    from ankleboot.inference.keras import KerasPredictor

    try:
        run.read_checkpoint()
        if run.best_path.exists():
            KerasPredictor(run.best_path)
    except AnklebootError as error:
        print(json.dumps(str(error)), flush=True)
        return False
    return True


if __name__ == "__main__":
    main()
