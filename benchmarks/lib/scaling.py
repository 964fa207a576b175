"""Time and memory of training by number of images and width of the network.

`python -m lib.scaling IMAGES WIDTH DATA` measures one point.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.subprocesses import anonymous_memory_mib, machine_info, peak_mib, run_isolated
from ankleboot.core.tensorflow_settings import use_backend
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.load import load_data
from ankleboot.recipes.catalog import SPRINT

IMAGES = (1_000, 5_000, 15_000, 30_000, 60_000, 600_000)
WIDTHS = (1, 2, 4)
"""Multiples of the recipe's filters."""


def measure_scaling(rounds: int, data: str, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure every point `rounds` times in fresh processes and keep the fastest.

    Returns:
        "images" and "widths": the points; "fit": seconds = intercept + slope * images trained on,
        with the coefficient of determination; "fit_flops": the same over GFLOP, for the widths; and
        machine information.
    """

    def point(images: int, width: int) -> dict[str, Any]:
        rows = [run_isolated("lib.scaling", str(images), str(width), data) for _ in range(rounds)]
        best = min(rows, key=lambda row: float(row["training_seconds"]))
        progress(
            f"{images:>7,} images, width x {width}: {best['training_seconds']:.2f} s, "
            f"{best['own_mib']} MiB of its own, {best['peak_mib']} MiB at most with mapped files"
        )
        return best

    by_images = [point(images, 1) for images in IMAGES]
    by_width = [point(60_000, width) for width in WIDTHS]
    return {
        "images": by_images,
        "widths": by_width,
        "fit": fit_line(
            [float(row["trained_images"]) for row in by_images],
            [row["training_seconds"] for row in by_images],
        ),
        "fit_flops": fit_line(
            [row["gflop"] for row in by_width], [row["training_seconds"] for row in by_width]
        ),
        **machine_info(),
    }


def fit_line(x: list[float], y: list[float]) -> dict[str, float]:
    """Fit a line by least squares; return it with the coefficient of determination."""
    slope, intercept = np.polyfit(x, y, 1)
    residual = np.square(np.array(y) - (intercept + slope * np.array(x))).sum()
    spread = np.square(np.array(y) - np.mean(y)).sum()
    return {
        "intercept": float(intercept),
        "slope": float(slope),
        "r_squared": float(1 - residual / spread) if spread else 1.0,
    }


def resize_dataset(data: Dataset, num: int, folder: Path) -> Dataset:
    """Take the first `num` training images, or add shifted copies in a memory-mapped file."""
    train = data.train
    if num <= len(train):
        return replace(data, train=LabeledImages(train.images[:num], train.labels[:num]))
    path = folder / "images.npy"
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (num, 28, 28))
    for start in range(0, num, len(train)):
        copied = train.images[: min(len(train), num - start)]
        images[start : start + len(copied)] = np.roll(copied, start // len(train), axis=2)
    images.flush()
    del images
    labels = np.resize(train.labels, num)
    return replace(data, train=LabeledImages(np.load(path, mmap_mode="r"), labels))


def main(arguments: list[str]) -> None:
    """Measure one point and print it as JSON."""
    use_backend("tensorflow")
    from ankleboot.training import data_loader
    from ankleboot.training.engines import base
    from ankleboot.training.trainer import fit
    from lib.flops import training_flops

    num, width = int(arguments[0]), int(arguments[1])
    recipe = replace(SPRINT, filters=SPRINT.filters * width, max_filters=SPRINT.max_filters * width)
    with tempfile.TemporaryDirectory() as folder:
        data = resize_dataset(load_data(arguments[2]), num, Path(folder))
        run = fit(recipe, data, Path(folder) / "run")
        result = run.result()
        num_train = run.manifest()["split"]["num_train"]
    trained = sum(
        data_loader.num_images(recipe, num_train, epoch + 1) for epoch in range(recipe.epochs)
    )
    stages = result["stages"]
    flops = training_flops(base.engine_class()(recipe, 1).model)
    print(
        json.dumps(
            {
                "images": num,
                "width": width,
                "trained_images": trained,
                "gflop": flops * trained / 1e9,
                "training_seconds": stages["steps"] + stages["feed"] + stages["evaluation"],
                "stages": stages,
                "peak_mib": peak_mib(),
                "own_mib": anonymous_memory_mib(),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
