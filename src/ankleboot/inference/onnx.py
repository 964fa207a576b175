"""ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.types import Images, Probs
from ankleboot.inference.batching import check_shapes, in_batches
from ankleboot.models.files.checksums import ONNX_KEY, read_verified_onnx
from ankleboot.models.files.metadata import ModelMetadata

BATCH_SIZE = 64  # images; larger ones gain nothing
_TYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxPredictor:
    """A sealed `.onnx` file; its session may be used from many threads.

    Raises:
        ModelError: If the file is damaged, not sealed, or of other shapes.
    """

    def __init__(self, path: Path, *, num_threads: int = 1) -> None:
        self.name = str(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        content = read_verified_onnx(path)
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its own types, not exported by all versions
            reason = first_line(error)
            raise ModelError(f"{path}: ONNX Runtime cannot run it ({reason})") from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        if ONNX_KEY not in metadata:
            raise ModelError(f"{path}: has no description of Ankleboot")
        self.info = ModelMetadata.from_text(metadata[ONNX_KEY], path)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(f"{path}: expected one input and one output")
        shapes = [(v.shape[1:], _TYPES.get(v.type, v.type)) for v in (inputs[0], outputs[0])]
        check_shapes(path, self.info, *shapes)
        self._input = inputs[0].name

    def predict(self, images: Images) -> Probs:
        """Predict in batches."""
        return in_batches(images, BATCH_SIZE, len(self.info.labels), self._run)

    def _run(self, images: Images) -> Probs:
        probs: np.ndarray = self._session.run(None, {self._input: images})[0]
        return probs
