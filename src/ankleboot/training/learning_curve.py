"""Learning curve over the number of training images, by training the recipe on fewer."""

from collections.abc import Callable
from dataclasses import replace

from ankleboot.core.errors import UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.verify_data import verify_same_data
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.models.run import Run
from ankleboot.training.temporary_run import temporary_run

SIZES = (500, 2_000, 8_000, 24_000)  # training images, drawn class by class


def learning_curve(
    run: Run, data: Dataset, progress: Callable[[str], None], *, sizes: tuple[int, ...] = SIZES
) -> tuple[SizePoint, ...]:
    """Train a complete run's recipe on fewer images, validated on the same images.

    The run's own result is the last point; sizes above its number of images are left out.
    `progress` receives a line before each training.

    Raises:
        UsageError: If the run was trained on other data, or adopted.
    """
    if run.metadata().adopted:
        raise UsageError(f"{run.folder} was adopted: it has no recipe to train on fewer images")
    from ankleboot.training.trainer import fit  # TensorFlow, which drawing the curve must not load

    verify_same_data(run, data)
    num_train = run.manifest()["split"]["num_train"]
    results = {}
    for size in (size for size in sizes if size < num_train):
        progress(f"training on {size:,} images")
        with temporary_run() as folder:
            recipe = replace(run.recipe(), train_size=size)
            results[size] = fit(recipe, data, folder).result()
    return tuple(
        SizePoint(size, result["train"]["accuracy"], result["validation"]["accuracy"])
        for size, result in (results | {num_train: run.result()}).items()
    )
