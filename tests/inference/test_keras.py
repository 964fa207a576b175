"""Calibrated predictions of `.keras` files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.types import to_inputs
from ankleboot.data.dataset import Dataset
from ankleboot.inference.keras import BATCH_SIZE, KerasPredictor, compute_function
from ankleboot.inference.load import load_predictor
from ankleboot.models.files import examined, keras_file
from ankleboot.models.files.calibration import apply_temperature, softmax
from ankleboot.models.files.keras_seal import sealed
from ankleboot.models.run import Run


def test_logits_far_apart_are_calibrated_as_in_exports(
    calibrated_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    """A gelu network on pixels from 0 to 255: logits of hundreds, and exports that differed by 0.1.

    The probabilities had been rounded to 0 before the temperature was applied to them.
    """
    import keras

    model = keras.models.load_model(calibrated_run.model_path)
    layer = model.get_layer("logits")
    layer.set_weights([100 * weight for weight in layer.get_weights()])
    path = tmp_path / "far.keras"
    model.save(path)
    info = replace(calibrated_run.metadata(), temperature=20.0)
    path.write_bytes(sealed(path.read_bytes(), info))
    examined.remember(path)  # else a process of its own would try it out first
    images = bar_data.test.images
    network = keras.Model(model.inputs[0], layer.output)
    logits = np.asarray(network(to_inputs(images), training=False), np.float64)
    assert np.ptp(logits, axis=1).max() > 100
    actual = load_predictor(path).predict(images)
    np.testing.assert_allclose(actual, softmax(logits / 20), atol=1e-6)


def test_full_batches_are_predicted_as_by_the_network(
    calibrated_run: Run, bar_data: Dataset
) -> None:
    """Full batches go through a graph, the rest does not; both agree."""
    predictor = load_predictor(calibrated_run.folder)
    assert isinstance(predictor, KerasPredictor)
    images = np.resize(bar_data.test.images, (BATCH_SIZE + 30, 28, 28))
    expected = np.asarray(predictor.model(to_inputs(images), training=False))
    actual = predictor.predict(images)
    temperature = predictor.info.temperature
    np.testing.assert_allclose(actual, apply_temperature(expected, temperature), atol=1e-5)
    np.testing.assert_array_equal(actual, predictor.predict(images))


def test_a_network_is_traced_once_and_only_for_full_batches() -> None:
    import keras

    traces = 0

    class Counted(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            nonlocal traces
            if not hasattr(inputs, "numpy"):  # symbolic
                traces += 1
            return 2.0 * inputs

    inputs = keras.Input((4, 4, 1))
    compute = compute_function(keras.Model(inputs, Counted()(inputs)))
    traces = 0
    for size in (3, BATCH_SIZE - 1, BATCH_SIZE, BATCH_SIZE + 7):
        values = np.random.default_rng(size).random((size, 4, 4, 1), np.float32)
        np.testing.assert_array_equal(compute(values), 2 * values)
        assert traces == (size >= BATCH_SIZE)


def test_the_network_is_loaded_from_the_bytes_that_were_read(
    calibrated_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.keras"
    content = calibrated_run.model_path.read_bytes()
    path.write_bytes(b"another file, which took its place")
    monkeypatch.setattr(keras_file, "read_model", lambda *_: content)
    weights = keras_file.load_network(path).get_weights()
    expected = keras_file.load_network(calibrated_run.model_path).get_weights()
    assert all((a == b).all() for a, b in zip(weights, expected, strict=True))
