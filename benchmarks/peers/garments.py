"""The shipped model on LiteRT, as every peer of `bench.py peers` serves it.

Runs in the environment of the peers, without the package: `MODEL_PATH` names the `.tflite` file.
"""

import base64
import io
import os
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

LABELS = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"]
LABELS += ["Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

NUM_WORKERS = int(os.environ.get("PEER_WORKERS", "2"))
MAX_BATCH = int(os.environ.get("PEER_BATCH", "1"))
BATCH_SECONDS = float(os.environ.get("PEER_BATCH_SECONDS", "0"))


class Garments:
    """Interpreter of one process; it is not shared by threads."""

    def __init__(self) -> None:
        self._interpreter = Interpreter(os.environ["MODEL_PATH"], num_threads=1)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._batch_size = 0

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return a row of probabilities for each image of 28 x 28 pixels."""
        if len(images) != self._batch_size:
            self._interpreter.resize_tensor_input(self._input, images.shape)
            self._interpreter.allocate_tensors()
            self._batch_size = len(images)
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        probs: np.ndarray = self._interpreter.get_tensor(self._output)
        return probs


def decode(content: bytes) -> np.ndarray:
    """Return the gray pixels of an image file."""
    return to_pixels(Image.open(io.BytesIO(content)))


def to_pixels(image: Image.Image) -> np.ndarray:
    """Return the gray pixels of an image."""
    return np.asarray(image.convert("L"))


def decode_base64(text: str) -> np.ndarray:
    """Return the gray pixels of an image file in base64."""
    return decode(base64.b64decode(text))


def response_of(probs: np.ndarray) -> dict[str, Any]:
    """Return the response for one image."""
    return {
        "label": LABELS[int(probs.argmax())],
        "probs": dict(zip(LABELS, probs.tolist(), strict=True)),
    }
