"""Calibrated predictions of `.keras` files."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ankleboot.core.types import to_inputs
from ankleboot.data.dataset import Dataset
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.calibration import softmax
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
    images = bar_data.test.images
    network = keras.Model(model.inputs[0], layer.output)
    logits = np.asarray(network(to_inputs(images), training=False), np.float64)
    assert np.ptp(logits, axis=1).max() > 100
    actual = load_predictor(path).predict(images)
    np.testing.assert_allclose(actual, softmax(logits / 20), atol=1e-6)
