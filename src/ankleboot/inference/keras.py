"""Predictor of `.keras` files: the format of training, and the reference for every export."""

import io
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ankleboot.core.errors import ForeignModelError, ModelError
from ankleboot.core.files import DAMAGED_ZIP
from ankleboot.core.types import Images, Inputs, Probs, batch_size_for, to_inputs
from ankleboot.inference.predictor import BatchPredictor, check_tensors
from ankleboot.models.files.calibration import apply_temperature, softmax
from ankleboot.models.files.checksums import MAX_FOLDER_BYTES, check_directory, read_model
from ankleboot.models.files.keras_file import load_network
from ankleboot.models.files.keras_seal import model_sha256, read_seal
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run, find_run

BATCH_SIZE = 1_000  # images; large ones are fewer


class KerasPredictor(BatchPredictor):
    """A `.keras` model that takes inputs in [0, 1] and ends in a softmax.

    Args:
        path: Path to the file.
        run: Run that wrote the file as its result; the predictor is named by its folder.

    Raises:
        ModelError: If the file is damaged, unsafe to load, or has another input or output.
    """

    batch_size = BATCH_SIZE

    def __init__(self, path: Path, run: Run | None = None) -> None:
        self.name = str(run.folder if run else path)
        info = metadata_of(path, run)
        self.model = load_network(path)
        self.info = replace(info, parameters=self.model.count_params())
        inputs = [(tensor.shape[1:], tensor.dtype) for tensor in self.model.inputs]
        outputs = [(tensor.shape[1:], tensor.dtype) for tensor in self.model.outputs]
        expected = self.info.image_spec.input_shape
        check_tensors(path, self.info, inputs, outputs, (expected, "float32"))
        if not all(np.isfinite(weight).all() for weight in self.model.get_weights()):
            raise ModelError(f"{path}: its weights are not finite")

    def _predict_batch(self, images: Images) -> Probs:
        inputs, temperature = to_inputs(images), self.info.temperature
        probs = self._compute(inputs)
        calibrated = apply_temperature(probs, temperature)
        is_lost = (probs < np.finfo(np.float32).tiny).any(axis=1)
        if temperature != 1 and is_lost.any() and self._logits is not None:
            # Float32 has no probability below 1e-38, but logits that are 100 apart are 10 apart at
            # a temperature of 10; exports divide the logits themselves.
            logits = np.asarray(self._logits(inputs[is_lost], training=False), np.float64)
            calibrated[is_lost] = softmax(logits / temperature)
        return calibrated

    @cached_property
    def _compute(self) -> Callable[[Inputs], np.ndarray]:
        return compute_function(self.model)

    @cached_property
    def _logits(self) -> Any:
        """Network from inputs to logits; None if it has no layer of that name."""
        import keras

        if "logits" not in [layer.name for layer in self.model.layers]:
            return None
        return keras.Model(self.model.inputs[0], self.model.get_layer("logits").output)


def compute_function(network: Any) -> Callable[[Inputs], np.ndarray]:
    """Return a function from inputs to the outputs of a network, for one batch after another.

    TensorFlow optimizes a graph as a whole, which saves a third of the time, but making it takes as
    long as two or three full batches gain (docs/experiments.md). So only full batches use it.
    Others call the network, since Keras' `predict` would cost more for each of them.
    """
    import keras

    def call(inputs: Any) -> Any:
        return network(inputs, training=False)

    graph, shape = call, tuple(network.inputs[0].shape[1:])
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        graph = tf.function(call, [tf.TensorSpec([None, *shape], tf.float32)], autograph=False)
    full = batch_size_for(BATCH_SIZE, shape)
    return lambda inputs: np.asarray((graph if len(inputs) >= full else call)(inputs))


def metadata_of(path: Path, run: Run | None = None) -> ModelMetadata:
    """Collect the metadata of a model from its seal, or from the run folder that it lies in.

    Every file there learned from the same images, so it carries the run's data and split. The
    calibration belongs to the result alone.

    Raises:
        ForeignModelError: If the file has no seal and lies in no run folder.
        ModelError: If it is damaged.
    """
    _check_archive(path)
    origin, info = run or find_run(path), read_seal(path)
    if origin is None:
        return info or _refuse_foreign(path)
    sha256 = info.model_sha256 if info else model_sha256(path)
    is_result = origin.is_complete and origin.result()["model_sha256"] == sha256
    info = replace(info or origin.metadata(), model_sha256=sha256)
    calibration = origin.calibration() if run or is_result else None
    if calibration is None:
        return info
    return replace(
        info,
        temperature=calibration.temperature,
        abstain_below=calibration.abstain_below,
        ood_check=origin.ood_check(),
    )


def _refuse_foreign(path: Path) -> NoReturn:
    raise ForeignModelError(
        f"{path}: not made by Ankleboot: the scale of its pixels and the order of its classes are "
        f"unknown; find them with ankleboot adopt {shlex.quote(str(path))}"
    )


def _check_archive(path: Path) -> None:
    """Refuse a file that is cut off; the hash in its seal or run tells about other damage."""
    content = read_model(path, MAX_FOLDER_BYTES)
    try:
        check_directory(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.getinfo("config.json")
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except DAMAGED_ZIP as error:
        raise ModelError(f"{path}: incomplete or damaged model file ({error})") from error
