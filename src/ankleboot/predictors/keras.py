"""Keras: what training writes, and the reference for every other format."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.arrays import IMAGE_SIZE, Images, Probs, to_inputs
from ankleboot.calibration import apply_temperature
from ankleboot.errors import ModelError, first_line
from ankleboot.files import DAMAGED_ZIP, sha256_of_file
from ankleboot.model_info import ModelInfo
from ankleboot.predictors.batches import check_shapes, in_batches
from ankleboot.quiet import import_keras
from ankleboot.recipes import Recipe
from ankleboot.runs import Run

BATCH_SIZE = 1_000  # images


class KerasPredictor:
    """A `.keras` model that takes inputs in [0, 1] and ends in a softmax.

    Args:
        path: The file.
        run: The run it is the result of; its calibration, if there is one, is applied.

    Raises:
        ModelError: If the file is damaged, unsafe to load, or of other shapes.
    """

    def __init__(self, path: Path, run: Run | None = None) -> None:
        self.name = str(run.folder if run else path)
        self.model = _load(path)
        source, target = self.model.input_shape, self.model.output_shape
        if not (isinstance(source, tuple) and isinstance(target, tuple)):
            raise ModelError(f"{path}: expected one input and one output")
        check_shapes(
            path,
            (source[1:], self.model.inputs[0].dtype),
            (target[1:], self.model.outputs[0].dtype),
            wanted_input=((IMAGE_SIZE, IMAGE_SIZE, 1), "float32"),
        )
        if not all(np.isfinite(weight).all() for weight in self.model.get_weights()):
            raise ModelError(f"{path}: weights that are not finite")
        calibration = run.calibration() if run else None
        recipe = run.recipe() if run else Recipe(name="default")
        self.info = ModelInfo(
            recipe=recipe.name if run else "",
            split=recipe.split,
            validation_fraction=recipe.validation_fraction,
            split_seed=recipe.split_seed,
            data=run.manifest()["data"]["name"] if run else "",
            model_sha256=sha256_of_file(path),
            parameters=self.model.count_params(),
            temperature=calibration.temperature if calibration else 1.0,
            abstain_below=calibration.abstain_below if calibration else 0.0,
        )

    def predict(self, images: Images) -> Probs:
        """Predict in batches, without Keras' `predict` loop and its start-up cost."""
        return in_batches(images, BATCH_SIZE, self._run)

    def _run(self, images: Images) -> Probs:
        probs = np.asarray(self.model(to_inputs(images), training=False))
        return apply_temperature(probs, self.info.temperature)


def _load(path: Path) -> Any:
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
    import keras  # here, because a damaged file is said before TensorFlow is waited for

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many types for a hostile or foreign file
        reason = first_line(error)
        raise ModelError(f"{path}: not a model that can be loaded safely ({reason})") from error
