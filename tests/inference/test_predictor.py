"""Batches and the check of a model's input and output."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError
from ankleboot.inference.load import load_predictor
from ankleboot.inference.predictor import BatchPredictor, check_tensors, errors_of
from ankleboot.models.files.checksums import add_tflite_checksum, read_verified_tflite
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog


class Counting(BatchPredictor):
    """Gives a share of the first pixel of each image, and keeps the sizes of the batches."""

    name = "counting"

    def __init__(self, batch_size: int) -> None:
        self.info = ModelMetadata(labels=("a", "b"))
        self.batch_size = batch_size
        self.sizes: list[int] = []

    def _predict_batch(self, images: np.ndarray) -> np.ndarray:
        self.sizes.append(len(images))
        first = images.reshape(len(images), -1)[:, 0] / np.float32(100)
        return np.stack([1 - first, first], axis=1).astype(np.float32)


def test_batches_are_no_larger_than_allowed_and_keep_the_order() -> None:
    images = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    predictor = Counting(4)
    assert (100 * predictor.predict(images)[:, 1]).round().tolist() == list(range(10))
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


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        ({"image_size": 32, "crop": "none"}, (32, 32)),
        ({"color": True, "crop": "none"}, (28, 28, 3)),
        ({"labels": CLASS_NAMES[:9]}, (9,)),
        ({"labels": (*CLASS_NAMES, "Hat")}, (11,)),
    ],
    ids=["size", "color", "nine classes", "eleven classes"],
)
def test_a_file_whose_description_does_not_fit_its_network_is_refused(
    change: dict[str, Any], shape: tuple[int, ...], tmp_path: Path
) -> None:
    """The checksum is right: the description itself is of another network."""
    network, info = read_verified_tflite(catalog.FOLDER / catalog.MODEL_FILE)
    path = tmp_path / "other.tflite"
    path.write_bytes(add_tflite_checksum(network, replace(info, **change)))
    with pytest.raises(ModelError) as caught:
        load_predictor(path)
    expected, got = str(caught.value).split(", got ")
    assert str(shape) in expected and str(shape) not in got
    assert str(path) in expected and caught.value.exit_code == 4


def test_a_fault_of_the_system_is_none_of_the_model() -> None:
    """Used up descriptors were told as a model that LiteRT cannot run, with exit code 4."""
    with pytest.raises(OSError, match="Too many open files"), errors_of("LiteRT", "a.tflite"):
        raise OSError(24, "Too many open files", "numpy.so")
    with pytest.raises(ModelError, match=r"a.tflite: LiteRT cannot run it \(bad\)"):
        with errors_of("LiteRT", "a.tflite"):
            raise ValueError("bad")
