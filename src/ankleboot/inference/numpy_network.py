"""A network as a chain of simple layers in one JSON file, run with NumPy alone.

This is what the playground's page runs in JavaScript (export/playground/page/network.js), step by
step the same; here it lets the parity gate compare that file with Keras. Read it to see that there
is no magic: a small convolutional network is the seven functions below.

network.json holds the model's description and `layers`, each with a `kind` and its numbers;
`{"shape": [3, 3, 1, 16], "values": "..."}` are float32 in little-endian order, in base64.
"""

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs, to_inputs
from ankleboot.inference.batching import in_batches
from ankleboot.models.files.metadata import ModelMetadata

FILE_NAME = "network.json"
BATCH_SIZE = 256  # images
Layer = Mapping[str, Any]


def pack(array: Any) -> dict[str, Any]:
    """Numbers as they stand in the file."""
    values = np.ascontiguousarray(array, "<f4")
    return {"shape": list(values.shape), "values": base64.b64encode(values.tobytes()).decode()}


def unpack(packed: Mapping[str, Any]) -> np.ndarray:
    """What `pack` was given, in float32."""
    values = np.frombuffer(base64.b64decode(packed["values"], validate=True), "<f4")
    return values.reshape(packed["shape"]).astype(np.float32)


def layers_in(packed: Iterable[Layer]) -> list[Layer]:
    """The file's layers with their numbers as arrays.

    Raises:
        ValueError: If one is of an unknown kind.
    """
    found: list[Layer] = []
    for layer in packed:
        if layer["kind"] not in KINDS:
            raise ValueError(f"a layer of the kind {layer['kind']!r}")
        found.append({n: unpack(v) if isinstance(v, dict) else v for n, v in layer.items()})
    return found


class NumpyPredictor:
    """The `network.json` of an exported folder, checked by `sealed.open_folder`.

    Raises:
        ModelError: If it is not such a chain.
    """

    def __init__(self, folder: Path, info: ModelMetadata) -> None:
        self.name = str(folder)
        self.info = info
        try:
            document = json.loads((folder / FILE_NAME).read_bytes())
            self._layers = layers_in(document["layers"])
            blank = np.zeros((1, *info.image_spec.image_shape), np.uint8)
            if self._run(blank).shape != (1, len(info.labels)):
                raise ValueError("other classes than it says")
        except (KeyError, TypeError, ValueError, OSError, binascii.Error) as error:
            raise ModelError(f"{folder / FILE_NAME}: no chain of layers ({error})") from error

    def predict(self, images: Images) -> Probs:
        """Predict in batches."""
        return in_batches(images, BATCH_SIZE, len(self.info.labels), self._run)

    def _run(self, images: Images) -> Probs:
        x: np.ndarray = to_inputs(images)
        for layer in self._layers:
            x = KINDS[layer["kind"]](x, layer)
        return softmax(x / self.info.temperature)


def scale(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Multiply and add, channel by channel: normalisation once it is learned."""
    scaled: np.ndarray = x * layer["scale"] + layer["offset"]
    return scaled


def convolution(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Every output pixel is a sum over a patch of the input, weighted by a kernel."""
    kernel, stride = layer["kernel"], layer["stride"]
    size = kernel.shape[0]
    x = _padded(x, size, stride, layer["padding"], 0.0)
    parts = (_strided(x, place, size, stride) @ kernel[place] for place in np.ndindex(size, size))
    out: np.ndarray = sum(parts) + layer["bias"]
    return out


def pooling(x: np.ndarray, layer: Layer) -> np.ndarray:
    """The largest value of every window, or the mean of those that are in the image."""
    window, stride = layer["window"], layer["stride"]
    by_max = layer["by"] == "max"
    inside = np.ones((1, *x.shape[1:3], 1), np.float32)
    x = _padded(x, window, stride, layer["padding"], -np.inf if by_max else 0.0)
    inside = _padded(inside, window, stride, layer["padding"], 0.0)
    places = list(np.ndindex(window, window))
    parts = [_strided(x, place, window, stride) for place in places]
    if by_max:
        largest: np.ndarray = np.stack(parts).max(axis=0)
        return largest
    counts = [_strided(inside, place, window, stride) for place in places]
    mean: np.ndarray = np.sum(parts, axis=0) / np.sum(counts, axis=0)
    return mean


def activation(x: np.ndarray, layer: Layer) -> np.ndarray:
    """ReLU, LeakyReLU or GELU."""
    match layer["function"]:
        case "relu":
            x = np.maximum(x, 0)
        case "leaky_relu":
            x = np.where(x < 0, np.float32(layer["slope"]) * x, x)
        case "gelu":
            x = x * (1 + _erf(x / np.float32(math.sqrt(2)))) / 2
        case _:
            raise ValueError(f"an activation {layer['function']!r}")
    return x


def flatten(x: np.ndarray, _: Layer) -> np.ndarray:
    """All maps in one row."""
    return x.reshape(len(x), -1)


def dense(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Every output is a weighted sum of all inputs."""
    out: np.ndarray = x @ layer["kernel"] + layer["bias"]
    return out


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities; the largest logit is subtracted first, so that nothing overflows."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return probs


KINDS: Mapping[str, Callable[[np.ndarray, Layer], np.ndarray]] = MappingProxyType(
    {
        "scale": scale,
        "convolution": convolution,
        "pooling": pooling,
        "activation": activation,
        "flatten": flatten,
        "dense": dense,
    }
)


def _padded(x: np.ndarray, size: int, stride: int, padding: str, value: float) -> np.ndarray:
    """With "same", as many borders as let every stride have its window; one more at the end."""
    if padding == "valid":
        return x
    borders = [(0, 0)]
    for length in x.shape[1:3]:
        total = max(0, (math.ceil(length / stride) - 1) * stride + size - length)
        borders.append((total // 2, total - total // 2))
    return np.pad(x, [*borders, (0, 0)], constant_values=value)


def _strided(x: np.ndarray, place: tuple[int, ...], window: int, stride: int) -> np.ndarray:
    """The pixel at `place` of every window."""
    row, column = place
    bottom, right = x.shape[1] - window + row + 1, x.shape[2] - window + column + 1
    return x[:, row:bottom:stride, column:right:stride]


def _erf(x: np.ndarray) -> np.ndarray:
    """The error function to 1.5e-7; NumPy has none.

    Source: Abramowitz and Stegun 1964, 7.1.26
    """
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    total = sum(c * t ** (i + 1) for i, c in enumerate(series))
    signed: np.ndarray = np.sign(x) * (1 - total * np.exp(-x * x))
    return signed
