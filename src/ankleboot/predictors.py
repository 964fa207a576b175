"""The one seam: a Predictor turns images into probabilities, whatever stands behind it.

Evaluation and all that follows from it see only this, so that a Keras model and a test's fake are
interchangeable. `load_predictor` takes a run folder or a model file.
"""

import os
import zipfile
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ankleboot.arrays import IMAGE_SIZE, NUM_CLASSES, Images, Probs, to_inputs
from ankleboot.errors import ModelError
from ankleboot.quiet import import_keras
from ankleboot.runs import DAMAGED_ZIP, Run, run_of

BATCH_SIZE = 1_000  # images


@runtime_checkable
class Predictor(Protocol):
    """Images in, probabilities out; everything between is its own business."""

    name: str

    def predict(self, images: Images) -> Probs:
        """Return one row of probabilities per image, in order."""


class KerasPredictor:
    """A `.keras` model that takes inputs in [0, 1] and ends in a softmax.

    Raises:
        ModelError: If the file is damaged, unsafe to load, or of other shapes.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._model = _load_keras(path)
        shapes = tuple(self._model.input_shape), tuple(self._model.output_shape)
        wanted = (None, IMAGE_SIZE, IMAGE_SIZE, 1), (None, NUM_CLASSES)
        if shapes != wanted:
            raise ModelError(
                f"{path}: expected input {wanted[0]} and output {wanted[1]}, "
                f"got {shapes[0]} and {shapes[1]}"
            )
        if not all(np.isfinite(weight).all() for weight in self._model.get_weights()):
            raise ModelError(f"{path}: weights that are not finite")

    def predict(self, images: Images) -> Probs:
        """Predict in batches, without Keras' `predict` loop and its start-up cost."""
        starts = range(0, len(images), BATCH_SIZE)
        rows = [
            np.asarray(self._model(to_inputs(images[start : start + BATCH_SIZE]), training=False))
            for start in starts
        ]
        return np.concatenate(rows) if rows else np.zeros((0, NUM_CLASSES), np.float32)


def _load_keras(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise ModelError(f"{path}: damaged model file ({damaged} fails its checksum)")
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model file or run folder") from error
    except DAMAGED_ZIP as error:
        raise ModelError(f"{path}: incomplete or damaged model file ({error})") from error

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import_keras()
    import keras  # here, because other predictors must not need it

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many types for a hostile or foreign file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{path}: not a model that can be loaded safely ({reason})") from error


def load_predictor(path: Path) -> Predictor:
    """Load the model of a run folder (its hash is checked) or a `.keras` file.

    Raises:
        ModelError: If there is none, the run is not complete, or the file is refused.
    """
    if path.is_dir():
        path = Run(path).check_model()
    elif path.suffix != ".keras":
        if not path.exists():
            raise ModelError(f"{path}: no such model file or run folder")
        raise ModelError(f"{path}: expected a run folder or a .keras file")
    elif (run := run_of(path)) is not None and path.name == run.model_path.name and run.is_complete:
        run.check_model()
    return KerasPredictor(path)
