"""LiteRT (formerly TensorFlow Lite): the runtime of phones, and here of the light core."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.silence import silenced
from ankleboot.core.types import Images, Probs, batch_size_for
from ankleboot.inference.batching import check_shapes
from ankleboot.models.files.checksums import read_verified_tflite

BATCH_SIZES = (64, 8, 1)  # an interpreter's memory is laid out for one of them


class LiteRTPredictor:
    """A sealed `.tflite` file.

    Interpreters are not shared by threads (errors and wrong answers follow): every thread makes
    its own, one for each batch size it comes to need.

    Args:
        path: The file.
        num_threads: Of one call; batch 1 is quickest with one.

    Raises:
        ModelError: If the file is damaged, not sealed, or of other shapes.
    """

    def __init__(self, path: Path, *, num_threads: int = 1) -> None:
        self.name = str(path)
        self._flatbuffer, self.info = read_verified_tflite(path)
        self._num_threads = num_threads
        self._local = threading.local()
        try:
            with silenced(show_failures=False):  # the first one of a process greets
                source, _, target = self._interpreter(1)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{path}: LiteRT cannot run it ({first_line(error)})") from error
        check_shapes(path, self.info, _shape(source), _shape(target))
        is_dynamic = source["shape_signature"][0] == -1
        most = batch_size_for(BATCH_SIZES[0], self.info.image_spec.image_shape) if is_dynamic else 1
        self._batch_sizes = [size for size in BATCH_SIZES if size <= most]

    def predict(self, images: Images) -> Probs:
        """Predict in batches of the three sizes."""
        probs = np.empty((len(images), len(self.info.labels)), np.float32)
        start = 0
        for size in self._batch_sizes:
            while len(images) - start >= size:
                source, interpreter, target = self._interpreter(size)
                interpreter.set_tensor(source["index"], images[start : start + size])
                interpreter.invoke()
                probs[start : start + size] = interpreter.get_tensor(target["index"])
                start += size
        return probs

    def _interpreter(self, size: int) -> tuple[dict[str, Any], Any, dict[str, Any]]:
        """The input's details, this thread's interpreter for batches of `size`, the output's."""
        made = self._local.__dict__.setdefault("by_size", {})
        if size not in made:
            made[size] = self._make(size)
        found: tuple[dict[str, Any], Any, dict[str, Any]] = made[size]
        return found

    def _make(self, size: int) -> tuple[dict[str, Any], Any, dict[str, Any]]:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=self._flatbuffer, num_threads=self._num_threads)
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(f"{self.name}: expected one input and one output")
        shape = [size, *inputs[0]["shape"][1:]]
        interpreter.resize_tensor_input(inputs[0]["index"], shape)
        interpreter.allocate_tensors()
        return inputs[0], interpreter, outputs[0]


def _shape(details: dict[str, Any]) -> tuple[list[int], str]:
    return [int(size) for size in details["shape"][1:]], np.dtype(details["dtype"]).name
