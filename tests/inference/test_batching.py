"""Batches and the check of a model's input and output."""

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.inference.batching import check_exported, predict_in_batches
from ankleboot.models.files.metadata import ModelMetadata


def test_batches_are_no_larger_than_allowed_and_keep_the_order() -> None:
    images = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    sizes = []

    def predict(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return np.stack([batch[:, 0, 0], batch[:, 0, 0]], axis=1).astype(np.float32)

    probs = predict_in_batches(images, 4, 2, predict)
    assert sizes == [4, 4, 2] and probs[:, 1].tolist() == list(range(10))


def test_large_images_come_in_smaller_batches() -> None:
    sizes = []

    def predict(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return np.zeros((len(batch), 2), np.float32)

    predict_in_batches(np.zeros((8, 224, 224, 3), np.uint8), 64, 2, predict)
    assert sizes == [4, 4]  # 224 x 224 are 16 times the pixels of 56 x 56


def test_other_shapes_and_types_are_refused_by_name() -> None:
    check_exported("x", ModelMetadata(), ((28, 28), "uint8"), ((10,), "float32"))
    with pytest.raises(ModelError, match=r"expected input .*28.*got .*\(32, 32\)"):
        check_exported("x", ModelMetadata(), ((32, 32), "uint8"), ((10,), "float32"))
    with pytest.raises(ModelError, match="int8"):
        check_exported("x", ModelMetadata(), ((28, 28), "uint8"), ((10,), "int8"))
