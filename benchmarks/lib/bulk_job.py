"""A bulk prediction in a process of its own: images, memory, kills, and a check of the result."""

import io
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as parquet
from PIL import Image as PillowImage

from ankleboot.core.executors.local import usable_cores
from ankleboot.data.load import load_data
from ankleboot.inference.predict import ImageBytes, predict_files
from ankleboot.inference.router import load_router

SHARD_IMAGES = 50_000
NUM_DIFFERENT = 10_000  # images of the test split, repeated; the prediction does not know
PEAK_IMAGES, PEAK_ROUNDS = 10_000, 3
SAMPLE_PERIOD_S = 1.0  # reading the memory stops the processes for milliseconds


def write_shards(folder: Path, num_images: int) -> Path:
    """Write PNG images into tar and Parquet files, in turns; their names tell their numbers."""
    folder.mkdir(parents=True)
    images = png_images()
    for number, start in enumerate(range(0, num_images, SHARD_IMAGES)):
        stop = min(start + SHARD_IMAGES, num_images)
        contents = [images[place % len(images)] for place in range(start, stop)]
        if number % 2:
            table = pa.table({"image": contents})
            parquet.write_table(table, folder / f"{number:04}.parquet", row_group_size=1000)
        else:
            with tarfile.open(folder / f"{number:04}.tar", "w") as archive:
                for place, content in enumerate(contents):
                    member = tarfile.TarInfo(f"{place:06}.png")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return folder


def png_images() -> list[bytes]:
    """Return the test images of Fashion-MNIST as PNG files."""
    contents = []
    for image in load_data().test.images[:NUM_DIFFERENT]:
        buffer = io.BytesIO()
        PillowImage.fromarray(image).save(buffer, "PNG")
        contents.append(buffer.getvalue())
    return contents


def peak_rate() -> float:
    """Return the images per second of this process alone, from memory and into nothing."""
    images = [ImageBytes(str(i), content) for i, content in enumerate(png_images()[:PEAK_IMAGES])]
    router = load_router("pretrained")
    seconds = []
    for _ in range(PEAK_ROUNDS):
        started = time.perf_counter()
        for _ in predict_files(router, images):
            pass
        seconds.append(time.perf_counter() - started)
    return len(images) / min(seconds)


@dataclass(frozen=True)
class BulkJob:
    """`ankleboot predict` over a folder of shards."""

    shards: Path
    output: Path
    processes: int = usable_cores()

    def run(self, until: float = 1.0) -> dict[str, Any]:
        """Run the command, or kill it when a share of the input is done.

        Returns:
            The rate that the command told last, seconds, the largest memory of the process and its
            children in MiB, counting once what they share, and the number of parts at the end.
        """
        command = [sys.executable, "-m", "ankleboot", "predict", str(self.shards)]
        command += ["--output", str(self.output), "--parallel", str(self.processes)]
        parts = self.output.with_name(self.output.name + ".parts")
        started, memory, num_parts, num_planned = time.perf_counter(), [0.0], 0, 0
        with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stderr=log) as process:
            while process.poll() is None:
                memory.append(_tree_mib(process.pid))
                num_parts = max(num_parts, len(list(parts.glob("*.parquet"))))
                if until < 1 and not num_planned and num_parts:
                    num_planned = len((parts / "plan.jsonl").read_bytes().splitlines())
                if num_planned and num_parts >= until * num_planned:
                    process.kill()
                    break
                time.sleep(SAMPLE_PERIOD_S)
            process.wait()
            seconds = time.perf_counter() - started
            log.seek(0)
            rates = re.findall(r"([\d,]+) a second", log.read())
        return {
            "images_per_second": int(rates[-1].replace(",", "")) if rates else None,
            "seconds": round(seconds, 1),
            "killed": process.returncode < 0,
            "parts": num_parts,
            "largest_mib": round(max(memory)),
            "median_mib": round(sorted(memory)[len(memory) // 2]),
        }


def _tree_mib(pid: int) -> float:
    """Return the proportional set size of a process and its children."""
    total = 0.0
    for each in [pid, *_children(pid)]:
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:  # it ended
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def _children(pid: int) -> list[int]:
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def check_result(path: Path, num_images: int) -> dict[str, Any]:
    """Count rows, different paths and errors; compare the accuracy with that of the test images."""
    table = parquet.read_table(path, columns=["path", "index", "error"])
    labels = load_data().test.labels
    truth = labels[np.arange(num_images) % NUM_DIFFERENT]
    right = (table.column("index").to_numpy() == truth).mean() if len(table) == len(truth) else 0
    return {
        "rows": len(table),
        "different_paths": pyarrow.compute.count_distinct(table.column("path")).as_py(),
        "unread": len(table) - table.column("error").null_count,
        "accuracy": round(float(right), 4),
    }
