"""Promise of coverage-guided fuzzing by Atheris, where it is installed (pip install atheris).

    python -m soak.fuzz.guided FOLDER READER SECONDS SEED

Inputs that reach a new branch of a reader breed the next ones. Native code is not measured.
"""

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from soak.promise import Broken, Cases, Outcome, Promise

NAMES: tuple[str, ...] = (
    "csv",
    "labels",
    "jsonl",
    "run_recipe.json",
    "metadata",
    "form",
    "base64",
    "forged_tar",
)
NAMES += ("network", "host", "set", "npz_member")
"""Readers in Python."""
INSTRUMENTED = ["ankleboot", "python_multipart", "tarfile", "csv", "json"]
MIN_SECONDS = 3
MAX_BYTES = 8_192
TESTS = Path(__file__).parents[2]


def check(cases: Cases) -> Outcome:
    outcome = Outcome()
    if importlib.util.find_spec("atheris") is None:
        outcome.left_out = "atheris is not installed"
        return outcome
    numbers = [number for number, _ in cases]
    seconds = max(MIN_SECONDS, int(cases.seconds / len(numbers)))
    for number in numbers:
        with outcome.case(number, NAMES[number]):
            found = _breed(cases.folder / NAMES[number], NAMES[number], seconds, cases.seed + 1)
            outcome.kept += found - 1
            outcome.counts[NAMES[number]] = found
    return outcome


def _breed(folder: Path, name: str, seconds: int, seed: int) -> int:
    """Run Atheris on a reader; return the number of inputs."""
    (folder / "inputs").mkdir(parents=True)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
        "ANKLEBOOT_CACHE": str(folder / "cache"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    command = [sys.executable, "-W", "ignore", "-m", "soak.fuzz.guided", str(folder), name]
    process = subprocess.run(
        [*command, str(seconds), str(seed)], capture_output=True, text=True, env=environment,
        timeout=10 * seconds + 300, check=False, errors="replace",
    )  # fmt: skip
    number = re.search(r"number_of_executed_units:\s*(\d+)", process.stderr)
    if process.returncode or number is None:
        raise Broken(f"exit code {process.returncode}: {process.stderr[-600:]!r}")
    return int(number[1])


def main(folder: Path, name: str, seconds: str, seed: str) -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=INSTRUMENTED):
        from soak.fuzz.child import read
        from soak.fuzz.readers import BY_NAME

    reader = BY_NAME[name]
    for number, content in enumerate(reader.seeds):
        (folder / "inputs" / str(number)).write_bytes(content)

    def read_one(content: bytes) -> None:
        if failure := read(reader, folder / "case", content):
            raise RuntimeError(failure)

    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MAX_BYTES}"]
    options += ["-print_final_stats=1", f"-artifact_prefix={folder}/", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], *options, str(folder / "inputs")], read_one)
    atheris.Fuzz()


GUIDED = Promise(
    "guided",
    "inputs bred by coverage read, or refused in one line",
    check,
    weight=2,
    goal=len(NAMES),
    limit=len(NAMES),
)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
