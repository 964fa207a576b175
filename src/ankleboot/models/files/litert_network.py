"""A small LiteRT network that ships with the package and serves beside the models."""

import threading
from pathlib import Path

import numpy as np

from ankleboot.core.silence import silenced
from ankleboot.core.types import Pixels
from ankleboot.models.files.checksums import read_verified_tflite


class LiteRTNetwork(threading.local):
    """Network from one RGB image to one array.

    Every thread makes its own interpreter: a shared one gives wrong results.

    Raises:
        ModelError: If the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        flatbuffer, _ = read_verified_tflite(path)
        with silenced(show_failures=False):  # the first one of a process prints a banner
            self._interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.input_side = int(self._input["shape"][1])

    def __call__(self, image: Pixels) -> np.ndarray:
        """Compute the output for an image of `input_side` pixels."""
        self._interpreter.set_tensor(self._input["index"], image[np.newaxis])
        self._interpreter.invoke()
        output: np.ndarray = self._interpreter.get_tensor(self._output["index"])[0]
        return output
