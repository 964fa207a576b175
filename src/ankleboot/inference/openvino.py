"""Predictor of exported folders on OpenVINO, Intel's runtime."""

import threading
from pathlib import Path

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.silence import import_openvino
from ankleboot.core.types import Images, Probs
from ankleboot.inference.batching import check_exported, predict_in_batches
from ankleboot.models.files.checksums import read_verified_folder

BATCH_SIZE = 64  # images
MODEL_NAME = "model.xml"


class OpenVINOPredictor:
    """A folder with checksums; each thread has its own inference request.

    Raises:
        ModelError: If a file is damaged, or the model has another input or output.
    """

    def __init__(self, folder: Path, num_threads: int = 1) -> None:
        self.name = str(folder)
        self.info = read_verified_folder(folder)
        import_openvino()
        import openvino

        # float32 as written: on processors with bfloat16 the default computes in that
        options = {"INFERENCE_NUM_THREADS": num_threads, "INFERENCE_PRECISION_HINT": "f32"}
        try:
            self._model = openvino.Core().compile_model(folder / MODEL_NAME, "CPU", options)
        except RuntimeError as error:
            reason = first_line(error)
            raise ModelError(f"{folder}: OpenVINO cannot run it ({reason})") from error
        self._local = threading.local()
        input_, output = (
            (
                [int(size.get_length()) for size in list(port.partial_shape)[1:]],
                np.dtype(port.element_type.to_dtype()).name,
            )
            for port in (self._model.input(0), self._model.output(0))
        )
        check_exported(folder, self.info, input_, output)

    def predict(self, images: Images) -> Probs:
        """Predict in batches."""
        return predict_in_batches(images, BATCH_SIZE, len(self.info.labels), self._predict_batch)

    def _predict_batch(self, images: Images) -> Probs:
        if not hasattr(self._local, "request"):
            self._local.request = self._model.create_infer_request()
        probs: np.ndarray = self._local.request.infer([images])[0].copy()
        return probs
