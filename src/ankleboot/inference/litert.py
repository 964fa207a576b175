"""Predictor of `.tflite` files on LiteRT (formerly TensorFlow Lite), which needs no TensorFlow."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.progress import report_progress
from ankleboot.core.silence import silenced
from ankleboot.core.types import Images, Probs, batch_size_for
from ankleboot.inference.predictor import Tensor, check_probs, check_tensors, errors_of
from ankleboot.models.files.checksums import read_verified_tflite

RUNTIME = "LiteRT"
BATCH_SIZES = (64, 8, 1)  # images; an interpreter allocates memory for one batch size


class LiteRTPredictor:
    """A `.tflite` file with a checksum; a batch of one image is fastest with one thread.

    Threads that share an interpreter get errors and wrong predictions. So each thread makes its
    own interpreters, one for each batch size that it needs.

    Raises:
        ModelError: If the file is damaged, has no checksum, or another input or output.
    """

    def __init__(self, path: Path, num_threads: int = 1) -> None:
        self.name = str(path)
        self._flatbuffer, self.info = read_verified_tflite(path)
        self._num_threads = num_threads
        self._local = threading.local()
        # the first interpreter of a process prints lines
        with errors_of(RUNTIME, path), silenced(show_failures=False):
            input_, _, output = self._interpreter(1)
        check_tensors(path, self.info, [_tensor(input_, "uint8")], [_tensor(output, "float32")])
        is_dynamic = input_["shape_signature"][0] == -1
        shape = self.info.image_spec.image_shape
        max_batch_size = batch_size_for(BATCH_SIZES[0], shape) if is_dynamic else 1
        self._batch_sizes = [size for size in BATCH_SIZES if size <= max_batch_size]

    def predict(self, images: Images) -> Probs:
        """Predict in batches of the three sizes.

        Raises:
            ModelError: If an operation fails, such as one that only TensorFlow has, or the outputs
                are no probabilities.
        """
        with errors_of(RUNTIME, self.name):
            probs = self._predict(images)
        check_probs(self.name, probs)
        return probs

    def _predict(self, images: Images) -> Probs:
        probs = np.empty((len(images), len(self.info.labels)), np.float32)
        start = 0
        for size in self._batch_sizes:
            while len(images) - start >= size:
                input_, interpreter, output = self._interpreter(size)
                interpreter.set_tensor(input_["index"], _to(input_, images[start : start + size]))
                interpreter.invoke()
                probs[start : start + size] = _from(output, interpreter.get_tensor(output["index"]))
                start += size
                report_progress("images", start, len(images))
        return probs

    def _interpreter(self, size: int) -> tuple[dict[str, Any], Any, dict[str, Any]]:
        """Return input details, this thread's interpreter for the batch size, output details."""
        by_size: dict[int, tuple[dict[str, Any], Any, dict[str, Any]]]
        by_size = self._local.__dict__.setdefault("by_size", {})
        if size in by_size:
            return by_size[size]
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=self._flatbuffer, num_threads=self._num_threads)
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(f"{self.name}: expected one input and one output")
        interpreter.resize_tensor_input(inputs[0]["index"], [size, *inputs[0]["shape"][1:]])
        interpreter.allocate_tensors()
        return by_size.setdefault(size, (inputs[0], interpreter, outputs[0]))


def _tensor(details: dict[str, Any], outside: str) -> Tensor:
    """Return shape and type; int8 counts as the type outside, with which `predict` converts it."""
    name = np.dtype(details["dtype"]).name
    return [int(size) for size in details["shape"][1:]], outside if name == "int8" else name


def _to(details: dict[str, Any], images: Images) -> np.ndarray:
    """Quantize pixels for an int8 input, which stands for values from 0 to 1."""
    if details["dtype"] is not np.int8:
        return images
    scale, zero_point = details["quantization"]
    steps = np.rint(images / np.float32(255 * scale)) + zero_point
    quantized: np.ndarray = np.clip(steps, -128, 127).astype(np.int8)
    return quantized


def _from(details: dict[str, Any], values: np.ndarray) -> np.ndarray:
    """Turn an int8 output into probabilities; its coarse steps seldom add up to exactly 1."""
    if details["dtype"] is not np.int8:
        return values
    scale, zero_point = details["quantization"]
    probs = (values.astype(np.float32) - zero_point) * np.float32(scale)
    total = probs.sum(axis=1, keepdims=True)
    normalized: np.ndarray = np.where(
        total > 0, probs / np.maximum(total, scale), 1 / probs.shape[1]
    )
    return normalized
