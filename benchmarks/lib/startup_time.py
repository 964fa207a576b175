"""Seconds from the command to the first training step, by stage.

`python -m lib.startup_time DATA` measures once; ANKLEBOOT_STARTED holds the time of its start.
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
from ankleboot.core.tensorflow_settings import use_backend


def measure_startup(rounds: int, data: str, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure the stages of start-up in `rounds` fresh processes.

    Returns:
        "stages" (median seconds of each, in order), "total", "runs", and machine information.
    """
    rows = [run_isolated("lib.startup_time", data) for _ in range(rounds)]
    stages = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    for name, seconds in stages.items():
        progress(f"{seconds:6.2f} s  {name}")
    total = statistics.median(sum(row.values()) for row in rows)
    return {"stages": stages, "total": total, "runs": rows, **machine_info()}


def main(arguments: list[str]) -> None:
    """Run `ankleboot train sprint` up to the first step and print the stages as JSON."""
    stages: dict[str, float] = {}
    last = float(os.environ["ANKLEBOOT_STARTED"])

    def lap(stage: str) -> None:
        nonlocal last
        now = time.time()
        stages[stage], last = round(now - last, 3), now

    use_backend("tensorflow")
    # the command imports both
    for layer_above in ("ankleboot.cli.train", "ankleboot.cli.output.training"):
        importlib.import_module(layer_above)
    from ankleboot.recipes.catalog import SPRINT

    lap("python and the command line")
    from ankleboot.data.load import load_data

    data = load_data(arguments[0])
    lap("data, verified")
    import tensorflow  # noqa: F401

    lap("import of TensorFlow")
    from ankleboot.training.callbacks import LayerSummary, TrainingCallback
    from ankleboot.training.trainer import fit

    lap("import of Keras and our training")

    class FirstStep(Exception):
        """The first step was measured."""

    class Watch(TrainingCallback):
        def on_start(self, run: Any, layers: list[LayerSummary], split: Any) -> None:  # noqa: ARG002
            lap("network, optimizer, run folder")

        def on_step_end(self, *_: Any) -> None:
            lap("tracing and the first step")
            raise FirstStep

    with tempfile.TemporaryDirectory() as folder:
        try:
            fit(SPRINT, data, Path(folder) / "run", [Watch()])
        except FirstStep:
            print(json.dumps(stages))


if __name__ == "__main__":
    main(sys.argv[1:])
