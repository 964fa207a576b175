"""Record and compare the bits of training and prediction, for changes that must not alter a number.

Run it before a refactoring and after each step, on the same machine:

    python tools/bit_check.py record build/bits.json --photos FOLDER
    python tools/bit_check.py compare build/bits.json --photos FOLDER

It calls the command line only, so it survives any renaming inside the package.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TRAININGS = {
    "sprint, seed 0, 2 epochs": ["sprint", "--set", "epochs=2"],
    "leaky on the sample": ["leaky", "--data", "sample"],
}


def ankleboot(*arguments: str) -> bytes:
    """Run a command of this checkout and return its standard output."""
    command = [sys.executable, "-m", "ankleboot", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def measure(photos: Path | None) -> dict[str, str]:
    """Return one SHA-256 for each training and each set of predictions."""
    bits = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, arguments in TRAININGS.items():
            run_dir = str(Path(scratch, hashlib.sha256(name.encode()).hexdigest()[:8]))
            document = json.loads(ankleboot("train", *arguments, "--run-dir", run_dir, "--json"))
            bits[name] = document["weights_sha256"]
        samples = Path(scratch, "images")
        ankleboot("data", "images", str(samples), "--data", "sample")
        folders = {"sample images": samples} | ({"photos": photos} if photos else {})
        for name, folder in folders.items():
            for model in ("pretrained", "zero-shot"):
                lines = ankleboot("predict", str(folder), "--model", model, "--json")
                rows = [json.loads(line) for line in lines.splitlines()]
                for row in rows:
                    row["path"] = str(Path(row["path"]).relative_to(folder))
                text = json.dumps(rows, sort_keys=True)
                bits[f"{name} by {model}"] = hashlib.sha256(text.encode()).hexdigest()
    return bits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=["record", "compare"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--photos", type=Path, help="a folder of photographs to predict as well")
    options = parser.parse_args()
    bits = measure(options.photos)
    if options.action == "record":
        options.file.parent.mkdir(parents=True, exist_ok=True)
        options.file.write_text(json.dumps(bits, indent=2) + "\n")
        return 0
    recorded = json.loads(options.file.read_text())
    changed = [name for name in recorded if bits.get(name) != recorded[name]]
    for name in recorded:
        print("changed" if name in changed else "equal", name)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
