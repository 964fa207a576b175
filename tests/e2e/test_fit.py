"""The fit of a recipe reaches the run, its exported files, and what they predict."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ankleboot
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.fit import BAND_VALUE
from ankleboot.inference.load import load_predictor
from ankleboot.inference.predict import prepare_image
from ankleboot.inference.router import ModelRouter
from helpers.images import TINY, write_image_folder


@pytest.mark.usefixtures("isolated_cache_dir", "isolated_state_dir")
def test_training_prediction_and_export_prepare_photos_alike(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 20, "dog": 20}, size=(32, 96))
    recipe = replace(TINY, image_size=24, color=True, crop="none", fit="letterbox", epochs=1)
    data = ankleboot.load_data(str(folder), image_spec=recipe.image_spec)
    assert (np.asarray(data.train.images)[:, 0] == BAND_VALUE).all()
    run = ankleboot.train(recipe, data, run_dir=tmp_path / "run")
    exported = ankleboot.export_model(run, "litert", tmp_path / "a.tflite", data).path
    pixels = decode(folder / "cat/0.png")
    for path in (run.folder, exported):
        predictor = load_predictor(path)
        assert predictor.info.fit == "letterbox"
        image = prepare_image(pixels, ModelRouter(predictor)).image
        assert (image[0] == BAND_VALUE).all() and not (image[12] == BAND_VALUE).all()
