"""Predictor of adopted `.tflite` and `.onnx` files, which keep the convention of their authors."""

import threading
from pathlib import Path

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs
from ankleboot.inference.predictor import BatchPredictor, errors_of
from ankleboot.models.files.calibration import apply_temperature
from ankleboot.models.files.checksums import (
    read_onnx_metadata,
    read_verified_onnx,
    read_verified_tflite,
)
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.foreign.convention import Convention
from ankleboot.models.foreign.runtimes import ForeignModel, load_content

RUNTIMES = {"tflite": "LiteRT", "onnx": "ONNX Runtime"}


class AdoptedPredictor(BatchPredictor):
    """A foreign file with a checksum and a convention; each thread loads its own model.

    Raises:
        ModelError: If the runtime refuses the file.
    """

    def __init__(self, path: Path, content: bytes, info: ModelMetadata, num_threads: int) -> None:
        self.name, self.info = str(path), info
        self._content, self._num_threads = content, num_threads
        self._convention = Convention.from_json(info.convention, path)
        if len(self._convention.order) != len(info.labels):
            raise ModelError(f"{path}: damaged convention (one output for each label is expected)")
        self._convention.check_images(info.image_size, path)
        self._kind = path.suffix.removeprefix(".")
        self._local = threading.local()
        self._model()

    def _predict_batch(self, images: Images) -> Probs:
        with errors_of(RUNTIMES[self._kind], self.name):
            outputs = self._model().predict(self._convention.inputs(images))
            probs = self._convention.probs(outputs)
        return apply_temperature(probs, self.info.temperature)

    def _model(self) -> ForeignModel:
        if not hasattr(self._local, "model"):
            with errors_of(RUNTIMES[self._kind], self.name):
                self._local.model = load_content(self._content, self._kind, self._num_threads)
        model: ForeignModel = self._local.model
        return model


def load_adopted(path: Path, num_threads: int) -> AdoptedPredictor | None:
    """Load a `.tflite` or `.onnx` file with a convention; None for a file of `export`.

    Raises:
        ModelError: If the file is damaged or has no checksum.
    """
    info: ModelMetadata | None
    if path.suffix == ".tflite":
        content, info = read_verified_tflite(path)
    else:
        content, info = read_verified_onnx(path), read_onnx_metadata(path)
    if info is None or not info.convention:
        return None
    return AdoptedPredictor(path, content, info, num_threads)
