"""Speed, memory and size of prediction in every format, beside Keras.

`python -m ankleboot.export.benchmark RUNTIME PATH RUN DATA SECONDS` measures one runtime once.
"""

import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core import plugins
from ankleboot.core.errors import UsageError
from ankleboot.core.subprocesses import machine_info, peak_mib, run_isolated
from ankleboot.core.temporary import temp_folder
from ankleboot.core.types import Images, Probs, to_inputs
from ankleboot.data.load import load_data
from ankleboot.evaluation.select_split import validation_images
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.keras_file import load_network
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run

KERAS = ("model.predict", "model(x)")
"""Runtimes of Keras; the first is the reference of the comparison."""

BROWSER_FORMATS = ("web", "web-float32", "playground")
BATCH_SIZES = (1, 8, 64, 256, 1_024)  # images
NUM_WARM_UP_CALLS, MAX_CALLS = 20, 5_000
MEASURE_S = 1.0  # per throughput; latencies get three times as long

Predict = Callable[[Images], Probs]


def benchmark_formats(
    rounds: int,
    only: Sequence[str],
    model: Path,
    data: str,
    progress: Callable[[str], None],
    *,
    seconds: float = MEASURE_S,
) -> dict[str, Any]:
    """Export the model in every format and measure all runtimes round by round (A B A B).

    The model is a run folder or "pretrained". `only` names the runtimes, none for all; `seconds` is
    the duration of each throughput measurement. The result has "summary" (see `summarize`), "runs"
    and machine information.

    Raises:
        UsageError: If a runtime is unknown or the model is no run folder.
        ModelError: If a format fails the parity gate.
    """
    valid = [*KERAS, *(n for n in plugins.BUILT_IN["formats"] if n not in BROWSER_FORMATS)]
    names = list(dict.fromkeys(only)) or valid
    if unknown := [name for name in names if name not in valid]:
        raise UsageError(f"unknown runtime {unknown[0]!r}; valid: {', '.join(valid)}")
    run_dir = catalog.shipped_folder(model) or model
    if not (run_dir / "model.keras").is_file():
        raise UsageError(f"--model {model}: expected a run folder")
    with temp_folder() as folder:
        files = _files(names, model, run_dir, data, folder)
        rows: list[dict[str, Any]] = []
        for round_, (name, (path, size)) in itertools.product(range(rounds), files.items()):
            arguments = (name, str(path), str(run_dir), data, str(seconds))
            row = run_isolated("ankleboot.export.benchmark", *arguments)
            rows.append({"name": name, "round": round_, "bytes": size} | row)
            progress(
                f"round {round_ + 1}/{rounds}  {name:<14}  p50 {row['p50_us']:9.1f} us  "
                f"{_best(row):9.0f} images/s"
            )
    return {"model": str(model), "summary": summarize(rows), "runs": rows, **machine_info()}


def _files(
    names: list[str], model: Path, run_dir: Path, data: str, folder: Path
) -> dict[str, tuple[Path, int]]:
    """Export the model for each runtime; return the files and their bytes."""
    from ankleboot.core.files import total_bytes
    from ankleboot.export.export import export_model

    paths = dict.fromkeys(names, run_dir / "model.keras")
    loaded = load_data(data)
    for name in names:
        if name not in KERAS:
            target = folder / plugins.resolve("formats", name).file_name
            paths[name] = export_model(model, name, target, loaded).path
    return {name: (path, total_bytes(path)) for name, path in paths.items()}


def summarize(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per runtime with the medians over its rounds.

    "times_faster" is the median over the rounds of the p50 of model.predict over that of the
    runtime; "times_throughput" is likewise that of the best images per second.
    """
    reference = {row["round"]: row for row in rows if row["name"] == KERAS[0]}
    summary = []
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        pairs = [(reference[row["round"]], row) for row in own if row["round"] in reference]
        median = {
            key: statistics.median(row[key] for row in own)
            for key in ("load_seconds", "p50_us", "p99_us", "peak_mib")
        }
        rates = {
            key: statistics.median(row["images_per_second"][key] for row in own)
            for key in own[0]["images_per_second"]
        }
        summary.append(
            {"name": name, **median, "images_per_second": rates}
            | {key: own[0][key] for key in ("bytes", "validation_accuracy")}
            | {
                "times_faster": _median([a["p50_us"] / b["p50_us"] for a, b in pairs]),
                "times_throughput": _median([_best(b) / _best(a) for a, b in pairs]),
            }
        )
    return summary


def _best(row: dict[str, Any]) -> float:
    return float(max(row["images_per_second"].values()))


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def main(name: str, path: str, run_dir: str, data: str, duration: str) -> None:
    """Load the model, predict, and print the figures as JSON."""
    seconds = float(duration)
    part = validation_images(Run(Path(run_dir)).recipe(), load_data(data))
    images = part.images

    started = time.perf_counter()
    by_threads = {1: _load_runtime(name, Path(path), 1)}
    by_threads[1](images[:1])
    load_seconds = time.perf_counter() - started
    by_threads[1](images[: max(BATCH_SIZES)])
    memory = peak_mib()  # before a second predictor is loaded
    cores = os.cpu_count() or 1
    if cores > 1 and name not in KERAS:  # Keras uses all cores by default
        by_threads[cores] = _load_runtime(name, Path(path), cores)

    latencies = _latencies(by_threads[1], images, 3 * seconds)
    p50, p99 = np.quantile(latencies, [0.5, 0.99])
    rates = {}
    for size in BATCH_SIZES:
        for threads, predict in by_threads.items():
            key = f"batch {size}, {threads} in the runtime"
            rates[key] = _rate(predict, images, size, 1, seconds)
        if cores > 1:
            key = f"batch {size}, {cores} callers"
            rates[key] = _rate(by_threads[1], images, size, cores, seconds)
    document = {
        "load_seconds": round(load_seconds, 4),
        "p50_us": round(1e6 * float(p50), 2),
        "p99_us": round(1e6 * float(p99), 2),
        "calls": len(latencies),
        "images_per_second": rates,
        "peak_mib": memory,
        "validation_accuracy": float((by_threads[1](images).argmax(axis=1) == part.labels).mean()),
    }
    print(json.dumps(document))


def _load_runtime(name: str, path: Path, num_threads: int) -> Predict:
    if name not in KERAS:
        return load_predictor(path, num_threads=num_threads).predict
    model = load_network(path)
    if name == "model.predict":
        return lambda images: np.asarray(
            model.predict(to_inputs(images), batch_size=len(images), verbose=0)
        )
    return lambda images: np.asarray(model(to_inputs(images), training=False))


def _latencies(predict: Predict, images: Images, seconds: float) -> list[float]:
    """Return the seconds of each prediction of one image."""
    for index in range(NUM_WARM_UP_CALLS):
        predict(images[index : index + 1])
    latencies: list[float] = []
    until = time.perf_counter() + seconds
    while len(latencies) < MAX_CALLS and (now := time.perf_counter()) < until:
        index = len(latencies) % len(images)
        predict(images[index : index + 1])
        latencies.append(time.perf_counter() - now)
    return latencies


def _rate(predict: Predict, images: Images, size: int, callers: int, seconds: float) -> int:
    """Return the images per second in batches of `size` from concurrent callers."""
    batch = images[:size]

    def work(seconds: float) -> int:
        done, until = 0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            predict(batch)
            done += len(batch)
        return done

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(work, [seconds / 4] * callers))  # warm up
        started = time.perf_counter()
        total = sum(pool.map(work, [seconds] * callers))
        return round(total / (time.perf_counter() - started))


if __name__ == "__main__":
    main(*sys.argv[1:])
