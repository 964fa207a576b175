"""Predictor of `.tflite` files."""

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.inference.litert import LiteRTPredictor
from ankleboot.inference.load import load_predictor


def test_an_operation_that_fails_is_the_error_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteRT finds an operation of TensorFlow alone when it runs, and raises RuntimeError."""
    predictor = load_predictor("pretrained")
    assert isinstance(predictor, LiteRTPredictor)

    def fail(size: int) -> None:
        raise RuntimeError(f"Select TensorFlow op(s) FlexConv2D, batch {size}\nNode 3 failed")

    monkeypatch.setattr(predictor, "_interpreter", fail)
    with pytest.raises(ModelError, match=r"LiteRT cannot run it \(Select .* FlexConv2D, batch 1"):
        predictor.predict(np.zeros((1, 28, 28), np.uint8))
