"""Time of a training step by operation, from TensorFlow's profiler.

`python -m lib.profile DATA` profiles once. Operations of a step run in parallel on several threads,
so their times add up to more than the step takes.
"""

import collections
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.subprocesses import machine_info, run_isolated
from ankleboot.core.tensorflow_settings import use_backend
from ankleboot.data.load import load_data
from ankleboot.recipes.catalog import SPRINT

NUM_STEPS = 100
NUM_WARM_UP_STEPS = 20
NUM_OPERATIONS_LOGGED = 14


def profile_training(rounds: int, data: str, progress: Callable[[str], None]) -> dict[str, Any]:
    """Profile `sprint` in `rounds` fresh processes and keep the fastest step.

    Returns:
        "step_ms", "gflops" (of convolutions and dense layers), "peak_gflops", "utilisation",
        "operations" (kind, calls and microseconds per step, slowest first), and machine
        information.
    """
    rows = [run_isolated("lib.profile", data) for _ in range(rounds)]
    best = min(rows, key=lambda row: float(row["step_ms"]))
    peak = run_isolated("lib.gemm_peak")[best["precision"]]
    best |= {"peak_gflops": peak, "utilisation": best["gflops"] / peak}
    for operation in best["operations"][:NUM_OPERATIONS_LOGGED]:
        progress(
            f"{operation['microseconds']:7.0f} us  {operation['calls']:5.1f} x  {operation['kind']}"
        )
    return {**best, **machine_info()}


def main(arguments: list[str]) -> None:
    """Profile once and print the result as JSON."""
    use_backend("tensorflow")
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    from ankleboot.training import data_loader
    from ankleboot.training.engines import base
    from ankleboot.training.engines.base import Chunk, RunningMetrics
    from lib.flops import training_flops

    images = load_data(arguments[0]).train
    num = min(NUM_STEPS * SPRINT.batch_size, len(images)) // SPRINT.batch_size * SPRINT.batch_size
    steps = num // SPRINT.batch_size
    engine = base.engine_class()(SPRINT, len(images))
    indices = data_loader.epoch_order(SPRINT, len(images), 1, engine.losses())[:num]
    rates = np.full(steps, 1e-3, np.float32)
    chunk = engine.to_device(Chunk(images.images[indices], images.labels[indices], indices, rates))
    engine.train(chunk, 0, min(NUM_WARM_UP_STEPS, steps), RunningMetrics())
    started = time.perf_counter()
    engine.train(chunk, 0, steps, RunningMetrics())
    seconds = (time.perf_counter() - started) / steps

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        engine.train(chunk, 0, steps, RunningMetrics())
        tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace()
        space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    microseconds: dict[str, float] = collections.defaultdict(float)
    calls: dict[str, float] = collections.defaultdict(float)
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name, _, kind = plane.event_metadata[event.metadata_id].name.partition(":")
                if kind and "while" in name:  # "NAME:KIND" of an operation inside the loop
                    microseconds[kind] += event.duration_ps / 1e6 / steps
                    calls[kind] += 1 / steps
    print(
        json.dumps(
            {
                "recipe": SPRINT.name,
                "batch_size": SPRINT.batch_size,
                "precision": base.compute_dtype(SPRINT),
                "step_ms": 1e3 * seconds,
                "gflops": training_flops(engine.model) * SPRINT.batch_size / seconds / 1e9,
                "operations": [
                    {"kind": kind, "calls": calls[kind], "microseconds": time_taken}
                    for kind, time_taken in sorted(microseconds.items(), key=lambda item: -item[1])
                ],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
