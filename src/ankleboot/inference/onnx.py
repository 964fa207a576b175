"""Predictor of `.onnx` files on ONNX Runtime."""

from pathlib import Path

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.types import Images, Probs
from ankleboot.inference.batching import check_exported, predict_in_batches
from ankleboot.models.files.checksums import ONNX_KEY, read_verified_onnx
from ankleboot.models.files.metadata import ModelMetadata

BATCH_SIZE = 64  # images; larger batches gain nothing
_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxPredictor:
    """A `.onnx` file with a checksum; several threads may share its session.

    Raises:
        ModelError: If the file is damaged, has no checksum, or another input or output.
    """

    def __init__(self, path: Path, num_threads: int = 1) -> None:
        import onnxruntime

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
        properties = self._session.get_modelmeta().custom_metadata_map
        if ONNX_KEY not in properties:
            raise ModelError(f"{path}: has no metadata of Ankleboot")
        self.info = ModelMetadata.from_text(properties[ONNX_KEY], path)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(f"{path}: expected one input and one output")
        input_, output = (
            (tensor.shape[1:], _DTYPES.get(tensor.type, tensor.type))
            for tensor in (inputs[0], outputs[0])
        )
        check_exported(path, self.info, input_, output)
        self._input_name = inputs[0].name

    def predict(self, images: Images) -> Probs:
        """Predict in batches."""
        return predict_in_batches(images, BATCH_SIZE, len(self.info.labels), self._predict_batch)

    def _predict_batch(self, images: Images) -> Probs:
        probs: np.ndarray = self._session.run(None, {self._input_name: images})[0]
        return probs
