"""Would more images help? The recipe trained on fewer and fewer of them."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ankleboot.data.dataset import Dataset
from ankleboot.data.verify_data import verify_same_data
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.models.run import Run

SIZES = (500, 2_000, 8_000, 24_000)  # images, drawn class by class

Say = Callable[[str], None]


def learning_curve(
    run: Run, data: Dataset, say: Say, *, sizes: tuple[int, ...] = SIZES
) -> tuple[SizePoint, ...]:
    """Train a finished run's recipe on fewer images, judged on the same validation images.

    Args:
        run: Its own result is the last point.
        data: What it was trained on.
        say: Called with a line of progress.
        sizes: Training images; those that the run did not have are left out.

    Raises:
        UsageError: If the run was trained on other data.
    """
    from ankleboot.training.trainer import fit  # TensorFlow: not for those who draw the curve

    verify_same_data(run, data)
    result, recipe = run.result(), run.recipe()
    whole = run.manifest()["split"]["num_train"]
    points = []
    for size in (size for size in sizes if size < whole):
        say(f"training on {size:,} images")
        with tempfile.TemporaryDirectory() as folder:
            found = fit(replace(recipe, train_size=size), data, Path(folder) / "run").result()
        points.append(_point(size, found))
    return (*points, _point(whole, result))


def _point(size: int, result: dict[str, Any]) -> SizePoint:
    return SizePoint(size, result["train"]["accuracy"], result["validation"]["accuracy"])
