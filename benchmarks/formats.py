"""Export the shipped model in every format, with 10,000 test images; write docs/export.md's table.

python benchmarks/formats.py            (--check exits with 1 if the table is stale)
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ankleboot.core import plugins
from ankleboot.core.files import atomic_write, write_json
from ankleboot.core.subprocesses import machine_info
from ankleboot.data.load import load_data

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks/results/formats.json"
PAGE = ROOT / "docs/export.md"
START, END = "<!-- formats: written by benchmarks/formats.py -->", "<!-- end of formats -->"
RUNS_IN = {
    "litert": "phones, the light core",
    "litert-fp16": "the same, half the size",
    "litert-int8": "the same, a third of the size",
    "litert-micro": "microcontrollers (the network, and its C array)",
    "onnx": "ONNX Runtime and its many hosts",
    "onnx-int8": "the same, a third of the size",
    "openvino": "Intel's runtime",
    "saved-model": "TensorFlow Serving",
    "web": "any static web host (page and runtime)",
    "web-float32": "the same, never in int8",
    "playground": "any static web host (a page for learners)",
}


def main() -> int:
    if "--check" not in sys.argv[1:]:
        measure()
    before, start, rest = PAGE.read_text().partition(START)
    _, end, after = rest.partition(END)
    fresh = "\n".join([before + start, *table(json.loads(RESULT.read_text())), end + after])
    if "--check" in sys.argv[1:]:
        return int(fresh != PAGE.read_text())
    atomic_write(PAGE, fresh.encode())
    return 0


def measure() -> None:
    from ankleboot.export.export import export_model  # imports TensorFlow

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in plugins.BUILT_IN["formats"]:
            file_name = plugins.resolve("formats", name).file_name
            own = Path(folder) / name  # two formats have one file name
            own.mkdir()
            result = export_model("pretrained", name, own / file_name, load_data())
            rows.append(result.to_json() | {"path": file_name})
            print(json.dumps(rows[-1]))
    write_json(
        RESULT, {"command": "python benchmarks/formats.py", "formats": rows, **machine_info()}
    )


def table(document: dict[str, Any]) -> list[str]:
    lines = [
        "| `--format` | runs in | bytes | same first answer | probabilities within | accuracy |",
        "|---|---|---|---|---|---|",
    ]
    for row in document["formats"]:
        parity = row["parity"]
        same = round(parity["top1_agreement"] * parity["num_examples"])
        change = parity["accuracy_change"]
        accuracy = "the same" if change is None else f"{100 * change:+.2f} points"
        lines.append(
            f"| `{row['format']}` | {RUNS_IN[row['format']]} | {row['bytes']:,} | {same:,} of "
            f"{parity['num_examples']:,} | {parity['max_abs_diff']:.0e} | {accuracy} |"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
