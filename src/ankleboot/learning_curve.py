"""Would more images help? The recipe trained on fewer and fewer of them."""

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ankleboot.data import Dataset
from ankleboot.provenance import check_data
from ankleboot.runs import Run

SIZES = (500, 2_000, 8_000, 24_000)  # images, drawn class by class

Say = Callable[[str], None]


@dataclass(frozen=True)
class SizePoint:
    """What the recipe reached with `num_train` images."""

    num_train: int
    train_accuracy: float
    validation_accuracy: float


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
    from ankleboot.training import train  # TensorFlow: not for those who draw the curve

    check_data(run, data)
    result, recipe = run.result(), run.recipe()
    whole = run.manifest()["split"]["num_train"]
    points = []
    for size in (size for size in sizes if size < whole):
        say(f"training on {size:,} images")
        with tempfile.TemporaryDirectory() as folder:
            found = train(replace(recipe, train_size=size), data, Path(folder) / "run").result()
        points.append(_point(size, found))
    return (*points, _point(whole, result))


def _point(size: int, result: dict[str, Any]) -> SizePoint:
    return SizePoint(size, result["train"]["accuracy"], result["validation"]["accuracy"])


def sentence(points: tuple[SizePoint, ...], num_validation: int) -> str:
    """What the curve says about collecting more images.

    Args:
        points: One run each: the spread over seeds is not in them.
        num_validation: Images that the accuracies were measured on.
    """
    if len(points) < 2:
        return "There is one size only: nothing can be said about more images."
    before, last = points[-2:]
    gained = last.validation_accuracy - before.validation_accuracy
    share = last.validation_accuracy
    noise = 2 * math.sqrt(2 * share * (1 - share) / num_validation)  # about 95 %
    figures = (
        f"from {before.num_train:,} to {last.num_train:,} training images (and as many times the "
        f"steps) the validation accuracy changed by {100 * gained:+.1f} points, +- "
        f"{100 * noise:.1f} for the images it is measured on"
    )
    if gained > noise:
        return f"More images would probably help: {figures}."
    return f"Whether more images would help cannot be told: {figures}."
