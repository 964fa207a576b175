"""Divergence: the end of a training whose loss became NaN or infinite."""

import math

from ankleboot.core.errors import DivergedError
from ankleboot.training.checkpoints import Checkpoints
from ankleboot.training.engines.base import RunningMetrics


def verify_finite(
    metrics: RunningMetrics, split: str, epoch: int, checkpoints: Checkpoints
) -> None:
    """Refuse a loss that is not finite, with advice and the path of the last good state.

    Args:
        metrics: Sums over the images so far.
        split: "training" or "validation".
        epoch: Number of the epoch, from 1.
        checkpoints: Checkpoints of the run.

    Raises:
        DivergedError: If the loss is NaN or infinite.
    """
    if metrics.is_finite:
        return
    recipe, checkpoint = checkpoints.recipe, checkpoints.run.checkpoint_path
    checkpoints.wait()
    kept = f"the last good state is kept in {checkpoint}"
    batch = math.ceil(metrics.images / recipe.batch_size)
    raise DivergedError(
        f"the {split} loss became {metrics.loss}"
        + (f" in batch {batch}" if split == "training" else "")
        + f" of epoch {epoch}; lower learning_rate (it is {recipe.learning_rate:g}); "
        + (kept if checkpoint.exists() else "there is no checkpoint yet")
    )
