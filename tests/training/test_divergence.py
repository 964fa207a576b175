"""A loss that is not finite ends training; the last good checkpoint stays."""

from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import DivergedError
from ankleboot.data.dataset import Dataset
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training import schedules
from ankleboot.training.trainer import fit
from helpers.images import TINY


def test_divergence_names_the_batch_and_keeps_the_last_good_checkpoint(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = schedules.learning_rates

    def blow_up_in_epoch_2(recipe: Recipe, num_steps: int) -> schedules.LearningRates:
        rates: np.ndarray = original(recipe, num_steps)
        rates[num_steps // recipe.epochs + 3] = np.inf
        return rates

    monkeypatch.setattr(schedules, "learning_rates", blow_up_in_epoch_2)
    expected = "training loss became nan in batch 5 of epoch 2"
    with pytest.raises(DivergedError, match=expected) as caught:
        fit(TINY, bar_data, tmp_path / "run")
    assert caught.value.exit_code == 6
    checkpoint = Run(tmp_path / "run").read_checkpoint()
    assert checkpoint is not None
    arrays, progress = checkpoint
    assert progress["epoch"] == 2 and progress["step"] == 0
    assert all(np.isfinite(array).all() for array in arrays.values())
