"""Would more images help? The recipe trained on fewer and fewer of them."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ankleboot.data import Dataset
from ankleboot.runs import Run
from ankleboot.training import train

SIZES = (500, 2_000, 8_000, 24_000)  # images, drawn class by class
MORE_HELPS = 0.005  # of accuracy, by the last doubling: worth collecting images for

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
    """
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


def sentence(points: tuple[SizePoint, ...]) -> str:
    """What the curve says about collecting more images."""
    if len(points) < 2:
        return "There is one size only: nothing can be said about more images."
    before, last = points[-2:]
    gained = last.validation_accuracy - before.validation_accuracy
    figures = (
        f"from {before.num_train:,} to {last.num_train:,} training images the validation accuracy "
        f"rose by {100 * gained:.1f} points"
    )
    if gained > MORE_HELPS:
        return f"More images would help: {figures}."
    return f"More images would help little: {figures}."
