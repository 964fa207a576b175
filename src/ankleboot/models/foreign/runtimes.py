"""Foreign models on their runtimes: signature, and raw outputs for inputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.silence import import_keras, silenced
from ankleboot.models.foreign.candidates import Signature
from ankleboot.models.foreign.examine import Predict

BATCH_SIZE = 128  # images


@dataclass(frozen=True)
class ForeignModel:
    """A loaded model; `keras` is None on other runtimes."""

    signature: Signature
    predict: Predict
    keras: Any = None


def load(path: Path, kind: str) -> ForeignModel:
    """Load a scanned file.

    Raises:
        ModelError: If the runtime refuses it, or its inputs and outputs are not those of an image
            classifier.
    """
    try:
        if kind in ("tflite", "onnx"):
            return load_content(path.read_bytes(), kind)
        return _load_keras(path, kind)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def load_content(content: bytes, kind: str, num_threads: int = 1) -> ForeignModel:
    """Load the content of a scanned `.tflite` or `.onnx` file; errors as in `load`."""
    load_one = _load_tflite if kind == "tflite" else _load_onnx
    return load_one(content, num_threads)


def _load_keras(path: Path, kind: str) -> ForeignModel:
    import_keras()
    import keras

    from ankleboot.models.foreign.rebuild import signature_of

    try:
        with silenced(show_failures=False):
            model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many types
        raise ModelError(f"Keras cannot load it ({first_line(error)})") from error

    def predict(inputs: np.ndarray) -> np.ndarray:
        starts = range(0, len(inputs), BATCH_SIZE)
        batches = [model(inputs[s : s + BATCH_SIZE], training=False) for s in starts]
        return np.concatenate([np.asarray(batch, np.float32) for batch in batches])

    return ForeignModel(signature_of(model, kind), predict, model)


def _load_tflite(content: bytes, num_threads: int) -> ForeignModel:
    from ai_edge_litert.interpreter import Interpreter

    try:
        with silenced(show_failures=False):
            interpreter = Interpreter(model_content=content, num_threads=num_threads)
            inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
            _refuse_several(inputs, outputs)
            input_, output = inputs[0], outputs[0]
            if input_["shape"][0] != 1:
                interpreter.resize_tensor_input(input_["index"], [1, *input_["shape"][1:]])
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"LiteRT cannot run it ({first_line(error)})") from error

    def predict_one(x: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(input_["index"], quantized(x, input_))
        interpreter.invoke()
        return dequantized(interpreter.get_tensor(output["index"]), output)

    def predict(values: np.ndarray) -> np.ndarray:
        return np.concatenate([predict_one(x[None]).reshape(1, -1) for x in values])

    is_bytes = input_["dtype"] == np.uint8 and not input_["quantization"][0]
    shape = tuple(int(size) for size in input_["shape"][1:])
    num_outputs = int(np.prod(output["shape"][1:]))
    return ForeignModel(Signature(shape, num_outputs, is_uint8=is_bytes, kind="tflite"), predict)


def _load_onnx(content: bytes, num_threads: int) -> ForeignModel:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own types, not exported by all versions
        raise ModelError(f"ONNX Runtime cannot run it ({first_line(error)})") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    _refuse_several(inputs, outputs)
    batch, *shape = (size if isinstance(size, int) else 0 for size in inputs[0].shape)
    if batch > 1:
        raise ModelError(f"takes {batch} images at a time; export it with any number, or with one")
    if inputs[0].type not in ONNX_TYPES:
        raise ModelError(f"its input has the type {inputs[0].type}; expected float or uint8")

    def predict(values: np.ndarray) -> np.ndarray:
        size = 1 if batch == 1 else BATCH_SIZE
        starts = range(0, len(values), size)
        batches = [run_onnx(session, values[start : start + size]) for start in starts]
        return np.concatenate(batches)

    num_outputs = outputs[0].shape[-1]
    if not isinstance(num_outputs, int) or len(outputs[0].shape) != 2:
        raise ModelError(f"expected one row of outputs per image, got {outputs[0].shape}")
    is_bytes = inputs[0].type == "tensor(uint8)"
    return ForeignModel(
        Signature(tuple(shape), num_outputs, is_uint8=is_bytes, kind="onnx"), predict
    )


ONNX_TYPES = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}


def run_onnx(session: Any, inputs: np.ndarray) -> np.ndarray:
    """Run a session with one input; return float32 outputs."""
    (input_,) = session.get_inputs()
    values = session.run(None, {input_.name: inputs.astype(ONNX_TYPES[input_.type])})[0]
    return np.asarray(values, np.float32)


def quantized(values: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    """Convert float32 values to the type of a LiteRT tensor."""
    scale, zero_point = details["quantization"]
    dtype = np.dtype(details["dtype"])
    if dtype.kind not in "iu":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    steps = np.rint(values / scale + zero_point) if scale else np.rint(values)
    clipped: np.ndarray = np.clip(steps, limits.min, limits.max).astype(dtype)
    return clipped


def dequantized(values: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    """Convert the values of a LiteRT tensor to float32."""
    scale, zero_point = details["quantization"]
    floats: np.ndarray = values.astype(np.float32)
    return (floats - zero_point) * np.float32(scale) if scale else floats


def _refuse_several(inputs: Any, outputs: Any) -> None:
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"expected one input and one output, got {len(inputs)} and {len(outputs)}")
