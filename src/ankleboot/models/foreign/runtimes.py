"""Foreign models on their runtimes: signature, and raw outputs for inputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.silence import import_keras, silenced
from ankleboot.models.foreign import budget
from ankleboot.models.foreign.candidates import Signature
from ankleboot.models.foreign.examine import Predict
from ankleboot.models.foreign.scanners.keras import scan_h5, scan_keras

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

    weights = scan_keras(path) if kind == "keras" else scan_h5(path)
    try:
        with silenced(show_failures=False), budget.at_most_weights(weights.num_values):
            model = keras.models.load_model(path, compile=False, safe_mode=True)
        budget.check_feature_maps(model)
    except ModelError:
        raise
    except Exception as error:  # Keras raises many types
        raise ModelError(f"Keras cannot load it ({first_line(error)})") from error

    return ForeignModel(signature_of(model, kind), predict_function(model), model)


def predict_function(model: Any) -> Predict:
    """Return a function that gives the outputs of a Keras model, one row for each input.

    It computes a graph: calling layer by layer took four to five times as long for small networks.
    """
    import tensorflow as tf

    spec = tf.TensorSpec([None, *model.inputs[0].shape[1:]], tf.float32)
    graph = tf.function(lambda inputs: model(inputs, training=False), [spec], autograph=False)

    def predict(inputs: np.ndarray) -> np.ndarray:
        starts = range(0, len(inputs), BATCH_SIZE)
        batches = [graph(inputs[s : s + BATCH_SIZE]) for s in starts]
        rows = [np.asarray(batch, np.float32).reshape(len(batch), -1) for batch in batches]
        return np.concatenate(rows)

    return predict


def _load_tflite(content: bytes, num_threads: int) -> ForeignModel:
    try:
        with silenced(show_failures=False):
            interpreter, input_, output = _allocated(content, num_threads)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"LiteRT cannot run it ({first_line(error)})") from error
    batch = int(input_["shape"][0])

    def predict_batch(x: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(input_["index"], quantized(_padded(x, batch), input_))
        interpreter.invoke()
        values = dequantized(interpreter.get_tensor(output["index"]), output)
        return values.reshape(batch, -1)[: len(x)]

    def predict(values: np.ndarray) -> np.ndarray:
        starts = range(0, len(values), batch)
        return np.concatenate([predict_batch(values[s : s + batch]) for s in starts])

    is_bytes = input_["dtype"] == np.uint8 and not input_["quantization"][0]
    shape = tuple(int(size) for size in input_["shape"][1:])
    num_outputs = int(np.prod(output["shape"][1:]))
    return ForeignModel(Signature(shape, num_outputs, is_uint8=is_bytes, kind="tflite"), predict)


def _allocated(content: bytes, num_threads: int) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return an interpreter for one image, or for its own batch size if that is fixed."""
    from ai_edge_litert.interpreter import Interpreter

    for is_resized in (True, False):
        interpreter = Interpreter(model_content=content, num_threads=num_threads)
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        rows = [i for i, output in enumerate(outputs) if np.prod(output["shape"][1:]) > 1]
        chosen = rows[0] if len(rows) == 1 else 0  # probabilities beside the label
        _refuse_several(inputs, rows if len(rows) == 1 else outputs)
        shape = inputs[0]["shape"]
        if is_resized and shape[0] != 1:
            interpreter.resize_tensor_input(inputs[0]["index"], [1, *shape[1:]])
        try:
            interpreter.allocate_tensors()
        except RuntimeError:
            if not is_resized or shape[0] == 1:
                raise
            continue  # its operations hold the batch size
        break
    return interpreter, interpreter.get_input_details()[0], interpreter.get_output_details()[chosen]


def _padded(x: np.ndarray, batch: int) -> np.ndarray:
    """Fill a batch with zeros; an export may take a fixed number of images alone."""
    missing = batch - len(x)
    return np.concatenate([x, np.zeros((missing, *x.shape[1:]), x.dtype)]) if missing else x


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
    inputs = session.get_inputs()
    _refuse_several(inputs, [None])
    output = _row_output(session.get_outputs())
    batch, *shape = (size if isinstance(size, int) else 0 for size in inputs[0].shape)
    if inputs[0].type not in ONNX_TYPES:
        raise ModelError(f"its input has the type {inputs[0].type}; expected float or uint8")

    def run(values: np.ndarray) -> np.ndarray:
        given = values.astype(ONNX_TYPES[inputs[0].type])
        (found,) = session.run([output.name], {inputs[0].name: given})
        return np.asarray(found, np.float32).reshape(len(values), -1)

    def predict(values: np.ndarray) -> np.ndarray:
        size = batch or BATCH_SIZE
        parts = [values[start : start + size] for start in range(0, len(values), size)]
        batches = [run(_padded(part, batch) if batch else part)[: len(part)] for part in parts]
        return np.concatenate(batches)

    is_bytes = inputs[0].type == "tensor(uint8)"
    num_outputs = int(np.prod(output.shape[1:]))
    return ForeignModel(
        Signature(tuple(shape), num_outputs, is_uint8=is_bytes, kind="onnx"), predict
    )


def _row_output(outputs: Any) -> Any:
    """Return the only output with one row of float values per image; labels beside it are left.

    Raises:
        ModelError: If there is none, or there are several.
    """
    rows = [
        output
        for output in outputs
        if output.type in ONNX_FLOATS
        and len(output.shape) >= 2
        and all(isinstance(size, int) for size in output.shape[1:])
        and np.prod(output.shape[1:]) == max(output.shape[1:])
    ]
    if len(rows) == 1:
        return rows[0]
    found = ", ".join(f"{output.name}: {output.type} {output.shape}" for output in outputs)
    if not any("float" in output.type or "double" in output.type for output in outputs):
        raise ModelError(f"gives labels alone ({found}); export the probabilities too")
    hint = "; export it with options={'zipmap': False}" if "map(" in found else ""
    raise ModelError(f"expected one output with one row of values per image, got {found}{hint}")


ONNX_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")
ONNX_TYPES = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}


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
