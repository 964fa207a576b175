"""Learning curve over the number of training images, by training the recipe on fewer."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ankleboot.data.dataset import Dataset
from ankleboot.data.verify_data import verify_same_data
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.models.run import Run

SIZES = (500, 2_000, 8_000, 24_000)  # training images, drawn class by class


def learning_curve(
    run: Run, data: Dataset, progress: Callable[[str], None], *, sizes: tuple[int, ...] = SIZES
) -> tuple[SizePoint, ...]:
    """Train a complete run's recipe on fewer images, validated on the same images.

    Args:
        run: Run whose result is the last point.
        data: Data set that it was trained on.
        progress: Function that receives a line before each training.
        sizes: Numbers of training images; those above the run's are left out.

    Raises:
        UsageError: If the run was trained on other data.
    """
    from ankleboot.training.trainer import fit  # TensorFlow, which drawing the curve must not load

    verify_same_data(run, data)
    result, recipe = run.result(), run.recipe()
    num_train = run.manifest()["split"]["num_train"]
    points = []
    for size in (size for size in sizes if size < num_train):
        progress(f"training on {size:,} images")
        with tempfile.TemporaryDirectory() as folder:
            smaller = fit(replace(recipe, train_size=size), data, Path(folder) / "run")
            points.append(_point(size, smaller.result()))
    return (*points, _point(num_train, result))


def _point(size: int, result: dict[str, Any]) -> SizePoint:
    return SizePoint(size, result["train"]["accuracy"], result["validation"]["accuracy"])
