"""Batches and the check of a model's input and output."""

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.inference.predictor import BatchPredictor, check_tensors
from ankleboot.models.files.metadata import ModelMetadata


class Counting(BatchPredictor):
    """Gives the first pixel of each image, and keeps the sizes of the batches."""

    def __init__(self, batch_size: int) -> None:
        self.info = ModelMetadata(labels=("a", "b"))
        self.batch_size = batch_size
        self.sizes: list[int] = []

    def _predict_batch(self, images: np.ndarray) -> np.ndarray:
        self.sizes.append(len(images))
        first = images.reshape(len(images), -1)[:, 0]
        return np.stack([first, first], axis=1).astype(np.float32)


def test_batches_are_no_larger_than_allowed_and_keep_the_order() -> None:
    images = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    predictor = Counting(4)
    assert predictor.predict(images)[:, 1].tolist() == list(range(10))
    assert predictor.sizes == [4, 4, 2]


def test_large_images_come_in_smaller_batches() -> None:
    predictor = Counting(64)
    predictor.predict(np.zeros((8, 224, 224, 3), np.uint8))
    assert predictor.sizes == [4, 4]  # 224 x 224 are 16 times the pixels of 56 x 56


def test_other_shapes_and_types_are_refused_by_name() -> None:
    stored, probs = ((28, 28), "uint8"), ((10,), "float32")
    check_tensors("x", ModelMetadata(), [stored], [probs])
    scaled = ((28, 28, 1), "float32")
    check_tensors("x", ModelMetadata(), [scaled], [probs], scaled)
    with pytest.raises(ModelError, match=r"expected input .*28.*got .*\(32, 32\)"):
        check_tensors("x", ModelMetadata(), [((32, 32), "uint8")], [probs])
    with pytest.raises(ModelError, match="int8"):
        check_tensors("x", ModelMetadata(), [stored], [((10,), "int8")])
    with pytest.raises(ModelError, match="x: expected one input and one output"):
        check_tensors("x", ModelMetadata(), [stored, stored], [probs])
