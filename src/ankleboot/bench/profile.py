"""Where a training step's time goes, operation by operation, from TensorFlow's own profiler.

`python -m ankleboot.bench.profile DATA` profiles once. Operations of one step run beside each other
on several threads, so their times add up to more than the step takes.
"""

import collections
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.bench.process import circumstances, isolated
from ankleboot.data import load
from ankleboot.recipes import SPRINT

STEPS = 100
WARM_UP = 20  # steps before anything is measured
SHOWN = 14

Say = Callable[[str], None]


def run(rounds: int, data: str, say: Say) -> dict[str, Any]:
    """Profile `sprint` in `rounds` fresh processes; the one with the fastest step counts.

    Returns:
        "step_ms", "gflops" (of convolutions and dense layers), "peak_gflops", "utilisation",
        "operations" (kind, calls and microseconds per step, the dearest first), and the
        circumstances.
    """
    rows = [isolated("bench.profile", data) for _ in range(rounds)]
    best = min(rows, key=lambda row: float(row["step_ms"]))
    peak = isolated("bench.cost")[best["precision"]]
    best |= {"peak_gflops": peak, "utilisation": best["gflops"] / peak}
    for operation in best["operations"][:SHOWN]:
        say(
            f"{operation['microseconds']:7.0f} us  {operation['calls']:5.1f} x  {operation['kind']}"
        )
    return {**best, **circumstances()}


def main(arguments: list[str]) -> None:
    """Profile once and print the result as JSON."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    from ankleboot import engines, feed
    from ankleboot.bench.cost import training_flops
    from ankleboot.engines import Chunk, Totals

    images = load(arguments[0]).train
    num = min(STEPS * SPRINT.batch_size, len(images)) // SPRINT.batch_size * SPRINT.batch_size
    steps = num // SPRINT.batch_size
    engine = engines.build(SPRINT, len(images))
    places = feed.order(SPRINT, len(images), 1, engine.losses())[:num]
    rates = np.full(steps, 1e-3, np.float32)
    chunk = engine.put(Chunk(images.images[places], images.labels[places], places, rates))
    engine.train(chunk, 0, min(WARM_UP, steps), Totals())
    started = time.perf_counter()
    engine.train(chunk, 0, steps, Totals())
    seconds = (time.perf_counter() - started) / steps

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        engine.train(chunk, 0, steps, Totals())
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
                "precision": engines.dtype(SPRINT),
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
