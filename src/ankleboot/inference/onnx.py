"""Predictor of `.onnx` files on ONNX Runtime."""

from pathlib import Path

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs
from ankleboot.inference.predictor import BatchPredictor, check_tensors, errors_of
from ankleboot.models.files.checksums import ONNX_KEY, read_verified_onnx
from ankleboot.models.files.metadata import ModelMetadata

RUNTIME = "ONNX Runtime"
_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxPredictor(BatchPredictor):
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
        content, providers = read_verified_onnx(path), ["CPUExecutionProvider"]
        with errors_of(RUNTIME, path):
            self._session = onnxruntime.InferenceSession(content, options, providers=providers)
        properties = self._session.get_modelmeta().custom_metadata_map
        if ONNX_KEY not in properties:
            raise ModelError(f"{path}: has no metadata of Ankleboot")
        self.info = ModelMetadata.from_text(properties[ONNX_KEY], path)
        inputs = [(t.shape[1:], _DTYPES.get(t.type, t.type)) for t in self._session.get_inputs()]
        outputs = [(t.shape[1:], _DTYPES.get(t.type, t.type)) for t in self._session.get_outputs()]
        check_tensors(path, self.info, inputs, outputs)
        self._input_name = self._session.get_inputs()[0].name

    def _predict_batch(self, images: Images) -> Probs:
        with errors_of(RUNTIME, self.name):
            probs: Probs = self._session.run(None, {self._input_name: images})[0]
        return probs
