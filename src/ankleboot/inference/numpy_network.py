"""A network of simple layers in one JSON file, run with NumPy alone.

The playground runs the same layers in JavaScript (web/playground/network.js), step by step. This
module lets the parity gate compare its file with Keras. A small convolutional network needs the
functions below and nothing else.

network.json holds the model's metadata and `layers`, each with a `kind` and its arrays; the kind
"add" names an earlier layer by its index, for skip connections.
`{"shape": [3, 3, 1, 16], "dtype": "float32", "values": "..."}` is in base64, little-endian.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Probs, to_inputs, unpack_array
from ankleboot.inference.network_shapes import Layer, check_layers
from ankleboot.inference.predictor import BatchPredictor
from ankleboot.models.files.calibration import softmax
from ankleboot.models.files.checksums import read_model, read_verified_folder
from ankleboot.models.files.metadata import parse_object

FILE_NAME = "network.json"


class NumpyPredictor(BatchPredictor):
    """The `network.json` of an exported folder with checksums; NumPy chooses its threads.

    Raises:
        ModelError: If a file is damaged, or the layers cannot be run.
    """

    batch_size = 256

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self.info = read_verified_folder(folder)
        path = folder / FILE_NAME
        try:
            self._layers = [unpack_layer(layer) for layer in _layers(read_model(path))]
            check_layers(self._layers, self.info.image_spec.input_shape, len(self.info.labels))
        except (KeyError, TypeError, ValueError, OverflowError, ModelError) as error:
            raise ModelError(f"{path}: damaged layers ({error})") from error

    def _predict_batch(self, images: Images) -> Probs:
        return softmax(outputs_of(self._layers, to_inputs(images))[-1] / self.info.temperature)


def outputs_of(layers: Sequence[Layer], x: np.ndarray) -> list[np.ndarray]:
    """Compute the output of every layer."""
    outputs: list[np.ndarray] = []
    for layer in layers:
        more = {"summand": outputs[layer["earlier"]]} if layer["kind"] == "add" else {}
        x = KINDS[layer["kind"]](x, {**layer, **more})
        outputs.append(x)
    return outputs


def _layers(content: bytes) -> list[Layer]:
    layers = parse_object(content)["layers"]
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise TypeError("expected a list of layers")
    return layers


def unpack_layer(layer: Layer) -> Layer:
    """Return a layer of the file with its values as arrays; refuse an unknown kind."""
    if str(layer["kind"]) not in KINDS:
        raise ValueError(f"unknown layer kind {layer['kind']!r}")
    return {name: unpack_array(v) if isinstance(v, dict) else v for name, v in layer.items()}


def scale(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Multiply and add per channel: batch normalization after training."""
    scaled: np.ndarray = x * layer["scale"] + layer["offset"]
    return scaled


def convolution(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Sum a patch of the input, weighted by a kernel, for every output pixel."""
    kernel, stride = layer["kernel"], layer["stride"]
    size = kernel.shape[0]
    x = _padded(x, size, stride, layer["padding"], 0.0)
    products = (_strided(x, tap, size, stride) @ kernel[tap] for tap in np.ndindex(size, size))
    out: np.ndarray = sum(products) + layer["bias"]
    return out


def depthwise(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Sum a patch of each map, weighted by a kernel of its own."""
    kernel, stride = layer["kernel"], layer["stride"]
    size = kernel.shape[0]
    x = _padded(x, size, stride, layer["padding"], 0.0)
    products = (_strided(x, tap, size, stride) * kernel[tap] for tap in np.ndindex(size, size))
    out: np.ndarray = sum(products) + layer["bias"]
    return out


def pooling(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Take the largest value of every window, or the mean of its values inside the image."""
    window, stride = layer["window"], layer["stride"]

    def windows(pixels: np.ndarray, border: float) -> np.ndarray:
        padded = _padded(pixels, window, stride, layer["padding"], border)
        return np.stack(
            [_strided(padded, tap, window, stride) for tap in np.ndindex(window, window)]
        )

    pooled: np.ndarray
    if layer["by"] == "max":
        pooled = windows(x, -np.inf).max(axis=0)
    else:
        inside = np.ones((1, *x.shape[1:3], 1), np.float32)
        pooled = windows(x, 0.0).sum(axis=0) / windows(inside, 0.0).sum(axis=0)
    return pooled


def activation(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Apply ReLU, LeakyReLU or GELU."""
    match layer["function"]:
        case "relu":
            x = np.maximum(x, 0)
        case "leaky_relu":
            x = np.where(x < 0, np.float32(layer["slope"]) * x, x)
        case "gelu":
            x = x * (1 + _erf(x / np.float32(math.sqrt(2)))) / 2
        case _:
            raise ValueError(f"unknown activation {layer['function']!r}")
    return x


def add(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Add the output of an earlier layer: a skip connection."""
    summed: np.ndarray = x + layer["summand"]
    return summed


def flatten(x: np.ndarray, _: Layer) -> np.ndarray:
    """Put all maps of an image into one row."""
    return x.reshape(len(x), -1)


def dense(x: np.ndarray, layer: Layer) -> np.ndarray:
    """Compute a weighted sum of all inputs for every output."""
    out: np.ndarray = x @ layer["kernel"] + layer["bias"]
    return out


_LAYERS = (scale, convolution, depthwise, pooling, activation, add, flatten, dense)
KINDS: Mapping[str, Callable[[np.ndarray, Layer], np.ndarray]] = {f.__name__: f for f in _LAYERS}


def _padded(x: np.ndarray, size: int, stride: int, padding: str, value: float) -> np.ndarray:
    """Pad for "same": every stride gets its window; an odd border goes to the end."""
    if padding == "valid":
        return x
    borders = [(0, 0)]
    for length in x.shape[1:3]:
        total = max(0, (math.ceil(length / stride) - 1) * stride + size - length)
        borders.append((total // 2, total - total // 2))
    return np.pad(x, [*borders, (0, 0)], constant_values=value)


def _strided(x: np.ndarray, tap: tuple[int, ...], window: int, stride: int) -> np.ndarray:
    """Return the pixel at position `tap` of every window."""
    row, column = tap
    bottom, right = x.shape[1] - window + row + 1, x.shape[2] - window + column + 1
    return x[:, row:bottom:stride, column:right:stride]


def _erf(x: np.ndarray) -> np.ndarray:
    """Compute the error function to 1.5e-7; NumPy has none.

    Source: Abramowitz and Stegun 1964, 7.1.26
    """
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    total = sum(c * t ** (i + 1) for i, c in enumerate(series))
    signed: np.ndarray = np.sign(x) * (1 - total * np.exp(-x * x))
    return signed
