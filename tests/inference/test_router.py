"""The model of each image: the default one, or the one for photos."""

from pathlib import Path

import numpy as np

from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.inference.router import ModelRouter
from helpers.images import scene
from helpers.predictors import FakePredictor


def test_each_picture_gets_its_model() -> None:
    usual = FakePredictor(np.full((9, 10), 0.1, np.float32))
    experts = ModelRouter(usual, Path("photo"))
    small = np.repeat(load_data("sample").test.images[0][..., None], 3, axis=2)
    assert experts.route(DecodedImage(small)) is usual
    assert experts.route(DecodedImage(scene(0)[0])) is experts.photo is not usual
    assert experts.photo.info.reject_labels == ("hat", "shorts", "skirt", "bodysuit")
    assert ModelRouter(usual).route(DecodedImage(scene(0)[0])) is usual
