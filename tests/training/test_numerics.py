"""Guard of `NUMERICS_VERSION`: short trainings give the losses that were stored with it."""

from pathlib import Path

import pytest

from ankleboot.core import environment
from ankleboot.data.dataset import Dataset
from ankleboot.recipes.catalog import get_recipe
from ankleboot.recipes.parse import override

SHORT = {"train_size": "96", "epochs": "2", "batch_size": "32", "precision": "float32"}
LOSSES = {  # of the last epoch on training and validation images, with NUMERICS_VERSION 1
    "plain": ({"dropout": "0.2", "l2": "0.001"}, 1.939209, 1.760248),
    "sprint": (
        {"hard_example_fraction": "0.5", "flip": "true", "max_shift": "1", "random_erasing": "0.5"},
        1.204275,
        1.223662,
    ),
    "leaky": ({"optimizer": "sgd", "schedule": "cosine", "rotation": "10"}, 2.298555, 2.294950),
}

KERNELS = 2e-3  # relative difference between oneDNN and TensorFlow's other kernels


@pytest.mark.parametrize("name", LOSSES)
def test_training_gives_the_stored_losses(name: str, bar_data: Dataset, tmp_path: Path) -> None:
    """A change here without a higher `NUMERICS_VERSION` would mix old and new runs of a study."""
    from ankleboot.training.trainer import fit

    assert environment.NUMERICS_VERSION == 1, "store the losses of the new version"
    changes, train_loss, validation_loss = LOSSES[name]
    recipe = override(get_recipe(name), SHORT | changes)
    last = fit(recipe, bar_data, tmp_path / "run").history()[-1]
    assert last.train_loss == pytest.approx(train_loss, rel=KERNELS)
    assert last.validation_loss == pytest.approx(validation_loss, rel=KERNELS)
