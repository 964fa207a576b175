"""Averaged weights against a loop over the weights of every step."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.metrics import log_loss
from ankleboot.inference.load import load_predictor
from ankleboot.training.engines.base import Chunk, RunningMetrics, engine_class
from ankleboot.training.trainer import fit
from helpers.images import TINY, bars

RECIPE = replace(TINY, ema=0.9, batch_norm=True, learning_rate=0.01)


def test_the_average_is_that_of_the_weights_after_each_step() -> None:
    part = bars(320, 0)
    engine = engine_class()(RECIPE, 320)
    positions, rates = np.arange(320, dtype=np.int32), np.full(10, 0.01, np.float32)
    chunk = engine.to_device(Chunk(part.images, part.labels, positions, rates))
    expected = engine.model.get_weights()
    for step in range(10):
        engine.train(chunk, step, step + 1, RunningMetrics())
        decay = min(0.9, (2 + step) / (11 + step))
        for average, weights in zip(expected, engine.model.get_weights(), strict=True):
            average += (1 - decay) * (weights - average)
    own = engine.model.get_weights()
    with engine.averaged():
        for average, weights in zip(expected, engine.model.get_weights(), strict=True):
            np.testing.assert_allclose(weights, average, rtol=1e-4, atol=1e-6)
    for before, after in zip(own, engine.model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert any((a != b).any() for a, b in zip(own, expected, strict=True))


def test_the_average_is_validated_and_kept(bar_data: Dataset, tmp_path: Path) -> None:
    run = fit(RECIPE, bar_data, tmp_path / "run")
    validation = bar_data.split(RECIPE.split_rule).validation
    probs = load_predictor(run.folder).predict(bar_data.train.images[validation])
    loss = log_loss(probs, bar_data.train.labels[validation])
    assert run.history()[-1].validation_loss == pytest.approx(loss, rel=1e-4)
    checkpoint = run.read_checkpoint()
    assert checkpoint is not None
    averages = [v for k, v in sorted(checkpoint[0].items()) if k.startswith("average/")]
    last = [v for k, v in sorted(checkpoint[0].items()) if k.startswith("model/")]
    assert len(averages) == len(last) == 9
    assert any((a != b).any() for a, b in zip(averages, last, strict=True))
