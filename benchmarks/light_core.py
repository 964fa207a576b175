"""Speed and memory of prediction with the light core alone, in a new virtual environment.

    python benchmarks/light_core.py [--rounds 10]

Installs requirements/core.txt and the package (no TensorFlow), writes 100 sample images, labels
them in fresh processes, and writes benchmarks/results/light_core.json. Peak memory is that of the
whole process, Python included.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks/results/light_core.json"
NUM_IMAGES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        command = install(Path(folder) / "venv")
        images = Path(folder) / "images"
        count = ["--data", "sample", "--count", str(NUM_IMAGES)]
        subprocess.run([command, "data", "images", images, *count], check=True)
        runs = [measure([str(command), "predict", str(images), "--json"]) for _ in range(rounds)]
        size = sum(p.stat().st_size for p in (Path(folder) / "venv").rglob("*") if p.is_file())
    document = {
        "command": "python benchmarks/light_core.py",
        "images": NUM_IMAGES,
        "seconds": statistics.median(run["seconds"] for run in runs),
        "slowest_seconds": max(run["seconds"] for run in runs),
        "peak_mib": max(run["peak_mib"] for run in runs),
        "installed_mib": round(size / 2**20),
        "runs": runs,
        **machine_info(),
    }
    write_json(RESULT, document)
    print(json.dumps({key: document[key] for key in ("seconds", "peak_mib", "installed_mib")}))


def install(folder: Path) -> Path:
    """Make a virtual environment with the light core; return its `ankleboot`."""
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    requirements = ROOT / "requirements/core.txt"
    subprocess.run([*pip, "--require-hashes", "-r", requirements], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", ROOT], check=True)
    probe = "import importlib.util as u; print(u.find_spec('tensorflow'), u.find_spec('keras'))"
    probed = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=True)
    if probed.stdout.split() != ["None", "None"]:
        sys.exit(f"TensorFlow or Keras came with the light core: {probed.stdout}")
    return folder / "bin/ankleboot"


def measure(command: list[str]) -> dict[str, Any]:
    """Run a command, check its output, and return its wall time and peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    entries = [json.loads(line) for line in out.splitlines()]
    if status or len(entries) != NUM_IMAGES or any("error" in entry for entry in entries):
        sys.exit(f"{len(entries)} predictions, exit status {status}")
    return {"seconds": round(seconds, 3), "peak_mib": round(usage.ru_maxrss / 1024, 1)}


if __name__ == "__main__":
    main()
