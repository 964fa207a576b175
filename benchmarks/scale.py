"""Measure what many trainings and millions of images cost, here and on a Ray cluster.

    python benchmarks/scale.py bulk --images 1000000
    python benchmarks/scale.py growth
    python benchmarks/scale.py study
    python benchmarks/scale.py tune

bulk      Fashion-MNIST images in tar and Parquet files, predicted by all cores, with two SIGKILLs
growth    the same by number of images and of processes
study     16 trainings of a study in processes of this machine, on a Ray cluster of two nodes, and
          there again while one node is killed
tune      a search of 30 trials that is killed at a random moment and repeated

Each writes benchmarks/results/scale_NAME.json. Run one alone, on a quiet machine.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ankleboot.core.executors.executor import Executor
from ankleboot.core.executors.local import LocalExecutor, usable_cores
from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from ankleboot.data.load import load_data
from ankleboot.studies.runner import run_study
from ankleboot.studies.study import get_study
from lib.bulk_job import BulkJob, check_result, peak_rate, write_shards

RESULTS = Path(__file__).parent / "results"
GROWTH_IMAGES = (1_000, 10_000, 100_000)
STUDY, NUM_TRIALS, NUM_AT_ONCE = "pooling", 16, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name", choices=MEASUREMENTS)
    parser.add_argument("--images", type=int, default=1_000_000, help="of bulk and growth")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments of kills")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = MEASUREMENTS[arguments.name](Path(folder), arguments)
    command = f"python benchmarks/scale.py {arguments.name}"
    document = {"command": command, **measured, **machine_info()}
    write_json(arguments.output / f"scale_{arguments.name}.json", document)
    print(json.dumps(measured, indent=2))


def measure_bulk(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Predict all images with two kills; compare the rate with one process at its best."""
    shards = write_shards(folder / "shards", arguments.images)
    moments = random.Random(arguments.seed)
    peaks = [peak_rate()]
    job = BulkJob(shards, folder / "results.parquet")
    calls = [job.run(until=share) for share in sorted(moments.uniform(0.1, 0.9) for _ in range(2))]
    calls.append(job.run())
    peaks.append(peak_rate())
    seconds = sum(call["seconds"] for call in calls)
    peak = statistics.mean(peaks) * usable_cores()
    rate = statistics.mean(call["images_per_second"] for call in calls)
    return {
        "images": arguments.images,
        "kills": len(calls) - 1,
        "calls": calls,
        "seconds": round(seconds, 1),
        "peak_images_per_second_of_one_process": [round(each) for each in peaks],
        "share_of_peak_per_core": round(rate / peak, 3),
        "share_with_starts_and_kills": round(arguments.images / seconds / peak, 3),
        "largest_mib": max(call["largest_mib"] for call in calls),
        **check_result(job.output, arguments.images),
    }


def measure_growth(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Predict growing numbers of images, and one number with a growing number of processes."""
    points = []
    sizes = [(number, 2) for number in (*GROWTH_IMAGES, arguments.images)]
    for images, processes in [*sizes, (100_000, 1), (100_000, 4)]:
        place = folder / f"{images}-{processes}"
        job = BulkJob(write_shards(place / "shards", images), place / "r.parquet", processes)
        points.append({"images": images, "processes": processes, **job.run()})
        print(points[-1], flush=True)
        shutil.rmtree(place)
    return {"points": points}


def measure_study(folder: Path, _: argparse.Namespace) -> dict[str, Any]:
    """Make 16 trainings here, on two nodes, and on two nodes of which one is killed."""
    import ray
    from ray.cluster_utils import Cluster

    from ankleboot.core.executors.ray_cluster import RayExecutor

    places: dict[str, Any] = {"local": _study(folder / "local", LocalExecutor(1, NUM_AT_ONCE))}
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    executor = RayExecutor.connect(cluster.address, 1)  # so the driver is on the first node
    other = cluster.add_node(num_cpus=1)
    places["ray"] = _study(folder / "ray", executor)

    def kill(num_done: int) -> None:
        if num_done == 3:
            cluster.remove_node(other, allow_graceful=False)
            cluster.add_node(num_cpus=1)

    places["ray, a node killed"] = _study(folder / "killed", executor, kill)
    ray.shutdown()
    cluster.shutdown()
    measures = {name: place.pop("measures") for name, place in places.items()}
    return {
        "study": STUDY,
        "trials": NUM_TRIALS,
        "at_once": NUM_AT_ONCE,
        "places": places,
        "same_measures": all(each == measures["local"] for each in measures.values()),
    }


def _study(
    folder: Path, executor: Executor, on_trial: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Run a quick study on the sample; its measures are without seconds and memory."""
    study = get_study(STUDY)
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        on_trial(len(lines) - 1)  # the first line is an estimate
        print(line, flush=True)

    seeds = NUM_TRIALS // len(study.quick)
    started = time.perf_counter()
    document = run_study(
        study, load_data("sample"), folder, data_name="sample", quick=True, seeds=seeds,
        progress=progress, executor=executor,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    rows = document["rows"]
    names = [(row["variant"], row["seed"]) for row in rows]
    return {
        "seconds": round(seconds, 1),
        "seconds_of_trials": round(sum(row["seconds"] for row in rows), 1),
        "trials": len(names),
        "different_trials": len(set(names)),
        "deaths": sum(len(row.get("failures", ())) for row in rows),
        "measures": {
            f"{row['variant']}, seed {row['seed']}": row["measures"]["accuracy"] for row in rows
        },
    }


def measure_tune(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Kill a search of 30 trials once, at a random moment, and repeat the command."""
    output = folder / "search"
    command = [
        sys.executable, "-m", "ankleboot", "tune", "sprint", "--data", "sample",
        "--set", "epochs=4", "--budget", "30", "--output", str(output),
    ]  # fmt: skip
    delay = random.Random(arguments.seed).uniform(20, 120)
    started = time.perf_counter()
    with subprocess.Popen(command) as process:
        time.sleep(delay)
        process.kill()
    trials_then = len(list((output / "trials").glob("trial-*/result.json")))
    again = subprocess.run([*command, "--json"], stdout=subprocess.PIPE, check=True)
    trials = json.loads(again.stdout)["trials"]
    return {
        "killed_after_s": round(delay, 1),
        "trials_when_killed": trials_then,
        "trials": len(trials),
        "different_trials": len({trial["key"] for trial in trials}),
        "states": dict(Counter(trial["state"] for trial in trials)),
        "seconds": round(time.perf_counter() - started, 1),
    }


MEASUREMENTS = {
    "bulk": measure_bulk,
    "growth": measure_growth,
    "study": measure_study,
    "tune": measure_tune,
}

if __name__ == "__main__":
    main()
