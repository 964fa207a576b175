"""Start-up: from the command to the first training step, and where the seconds go.

`python -m lib.start DATA` measures once; the process before it says when it started it.
"""

import importlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ankleboot.core.subprocesses import machine_info, run_isolated

Say = Callable[[str], None]


def run(rounds: int, data: str, say: Say) -> dict[str, Any]:
    """Start `rounds` fresh processes.

    Returns:
        "stages": median seconds of each, in order; "total" of them; "runs", and the circumstances.
    """
    rows = [run_isolated("lib.start", data) for _ in range(rounds)]
    stages = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    for name, seconds in stages.items():
        say(f"{seconds:6.2f} s  {name}")
    total = statistics.median(sum(row.values()) for row in rows)
    return {"stages": stages, "total": total, "runs": rows, **machine_info()}


def main(arguments: list[str]) -> None:
    """Go as far as the first step, as `ankleboot train sprint` does, and print the stages."""
    stages: dict[str, float] = {}
    last = float(os.environ["ANKLEBOOT_STARTED"])

    def lap(stage: str) -> None:
        nonlocal last
        now = time.time()
        stages[stage], last = round(now - last, 3), now

    os.environ["KERAS_BACKEND"] = "tensorflow"
    for layer_above in ("ankleboot.cli.train", "ankleboot.cli.output"):  # measured, not used
        importlib.import_module(layer_above)
    from ankleboot.recipes.catalog import SPRINT

    lap("python and the command line")
    from ankleboot.data.load import load_data

    data = load_data(arguments[0])
    lap("data, verified")
    import tensorflow  # noqa: F401

    lap("import of TensorFlow")
    from ankleboot.training.callbacks import LayerSummary, Silent
    from ankleboot.training.trainer import train

    lap("import of Keras and our training")

    class FirstStep(Exception):
        """Enough is known."""

    class Watch(Silent):
        def started(self, run: Any, layers: list[LayerSummary], split: Any) -> None:  # noqa: ARG002
            lap("network, optimizer, run folder")

        def stepped(self, *_: Any) -> None:
            lap("tracing and the first step")
            raise FirstStep

    with tempfile.TemporaryDirectory() as folder:
        try:
            train(SPRINT, data, Path(folder) / "run", Watch())
        except FirstStep:
            print(json.dumps(stages))


if __name__ == "__main__":
    main(sys.argv[1:])
