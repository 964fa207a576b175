"""Predictor of exported folders on OpenVINO, Intel's runtime."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.silence import import_openvino
from ankleboot.core.types import Images, Probs
from ankleboot.inference.predictor import BatchPredictor, Tensor, check_tensors, errors_of
from ankleboot.models.files.checksums import read_verified_folder

RUNTIME = "OpenVINO"
MODEL_NAME = "model.xml"


class OpenVINOPredictor(BatchPredictor):
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
        self._local = threading.local()
        with errors_of(RUNTIME, folder):
            self._model = openvino.Core().compile_model(folder / MODEL_NAME, "CPU", options)
            inputs, outputs = map(_tensor, self._model.inputs), map(_tensor, self._model.outputs)
        check_tensors(folder, self.info, inputs, outputs)

    def _predict_batch(self, images: Images) -> Probs:
        with errors_of(RUNTIME, self.name):
            if not hasattr(self._local, "request"):
                self._local.request = self._model.create_infer_request()
            probs: Probs = self._local.request.infer([images])[0].copy()
        return probs


def _tensor(port: Any) -> Tensor:
    shape = [int(size.get_length()) for size in list(port.partial_shape)[1:]]
    return shape, np.dtype(port.element_type.to_dtype()).name
