"""OpenVINO, Intel's runtime."""

import threading
from pathlib import Path

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.silence import import_openvino
from ankleboot.core.types import Images, Probs
from ankleboot.inference.batching import check_shapes, in_batches
from ankleboot.models.files.metadata import ModelMetadata

BATCH_SIZE = 64  # images
MODEL_NAME = "model.xml"


class OpenVINOPredictor:
    """An exported folder, checked by `sealed.open_folder`; each thread has a request of its own.

    Raises:
        ModelError: If the runtime refuses it, or it is of other shapes.
    """

    def __init__(self, folder: Path, info: ModelMetadata, *, num_threads: int = 1) -> None:
        self.name = str(folder)
        self.info = info
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
        shapes = [
            (
                [int(d.get_length()) for d in list(port.partial_shape)[1:]],
                port.element_type.to_dtype(),
            )
            for port in (self._model.input(0), self._model.output(0))
        ]
        check_shapes(folder, info, *[(shape, np.dtype(kind).name) for shape, kind in shapes])

    def predict(self, images: Images) -> Probs:
        """Predict in batches."""
        return in_batches(images, BATCH_SIZE, len(self.info.labels), self._run)

    def _run(self, images: Images) -> Probs:
        if not hasattr(self._local, "request"):
            self._local.request = self._model.create_infer_request()
        probs: np.ndarray = self._local.request.infer([images])[0].copy()
        return probs
