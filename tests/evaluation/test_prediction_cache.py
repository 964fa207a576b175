"""Cache of a run's predictions."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.types import Images, npy_bytes
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.inference.load import ResolvedModel
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from helpers.predictors import FakePredictor


def test_cached_predictions_are_of_this_model_and_these_images(
    calibrated_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(calibrated_run.folder, run.folder)
    images = bar_data.test.images
    first, second = (np.full((100, 10), value, np.float32) for value in (0.1, 0.2))

    def predict(probs: np.ndarray, images: Images = images, **info: Any) -> np.float32:
        predictor = FakePredictor(probs, ModelMetadata(**info))
        model = ResolvedModel("run", run.folder, run, lambda: predictor)
        probability: np.float32 = cached_predictions(model, images, "test")[0, 0]
        return probability

    assert predict(first) == np.float32(0.1)
    assert predict(second) == np.float32(0.1)  # from the file
    assert predict(second, temperature=2.0) == np.float32(0.2)
    assert predict(first, model_sha256="another") == np.float32(0.1)
    changed = images.copy()
    changed[3, 3, 3] ^= 1
    assert predict(second, changed, model_sha256="another") == np.float32(0.2)
    path = run.folder / "predictions-test.npy"
    for damaged in (b"damaged", npy_bytes(np.full((100, 10), np.nan, np.float32))):
        path.write_bytes(damaged)
        assert predict(first) == np.float32(0.1)
