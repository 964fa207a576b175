from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.data.load import load_data
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.model_check import _read_card, smoke_test
from helpers.predictors import FakePredictor


def test_a_model_whose_outputs_are_not_probabilities_is_refused() -> None:
    class DoublingPredictor(FakePredictor):
        def predict(self, images: np.ndarray) -> np.ndarray:
            return 2 * super().predict(images)

    images = load_data("sample").test.images
    with pytest.raises(ModelError, match="not probabilities"):
        smoke_test(DoublingPredictor(np.full((len(images), 10), 0.1, np.float32)), ServerConfig())


def test_a_model_whose_outputs_depend_on_the_batch_is_refused() -> None:
    class BatchPredictor:
        name, info = "batch", ModelMetadata()

        def predict(self, images: np.ndarray) -> np.ndarray:
            return np.eye(10, dtype=np.float32)[[len(images)] * len(images)]

    with pytest.raises(ModelError, match="depend on the batch"):
        smoke_test(BatchPredictor(), ServerConfig())


def test_a_model_with_low_accuracy_is_refused() -> None:
    class ConstantPredictor:
        name, info = "constant", replace(ModelMetadata(), data="fashion-mnist")

        def predict(self, images: np.ndarray) -> np.ndarray:
            return np.eye(10, dtype=np.float32)[[3] * len(images)]

    with pytest.raises(ModelError, match="accuracy 10% on 100 reference images"):
        smoke_test(ConstantPredictor(), ServerConfig())


def test_a_model_card_is_no_way_to_other_files(tmp_path: Path) -> None:
    """A stranger's run folder may hold a link, and everyone may read the card."""
    card = tmp_path / "README.md"
    card.write_text("# Mine")
    assert _read_card(card) == "# Mine"
    card.write_bytes(b"\xff" + bytes(2**20))
    assert _read_card(card) is None
    card.unlink()
    card.symlink_to("/etc/passwd")
    assert _read_card(card) is None
