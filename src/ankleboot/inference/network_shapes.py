"""Check of the layers of network.json before any of them computes: types, shapes and sizes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ankleboot.models.foreign.scanners.limits import check_values, most_values

Layer = Mapping[str, Any]
Shape = tuple[int, ...]

MAX_LAYERS = 1_000
MAX_SLOPE = 100.0  # of LeakyReLU
PADDINGS = ("same", "valid")
FUNCTIONS = ("relu", "leaky_relu", "gelu")


def check_layers(layers: Sequence[Layer], input_shape: Shape, num_outputs: int) -> None:
    """Follow the shape of one image through all layers.

    Args:
        layers: Layers with their values as arrays.
        input_shape: Height, width and channels.
        num_outputs: Expected length of the output.

    Raises:
        ValueError: If a layer does not fit the one before it.
        ModelError: If one gives far more values than an image of this size needs.
        KeyError: If a layer lacks an argument.
    """
    if len(layers) > MAX_LAYERS:
        raise ValueError(f"{len(layers):,} layers; at most {MAX_LAYERS:,} are allowed")
    shape, most, shapes = input_shape, most_values(input_shape), list[Shape]()
    for layer in layers:
        if layer["kind"] == "add":
            _check_earlier(layer, shape, shapes)
        shape = SHAPES[layer["kind"]](layer, shape)
        check_values(shape, most, layer["kind"])
        shapes.append(shape)
    if shape != (num_outputs,):
        raise ValueError(f"its output has shape {shape}, expected {(num_outputs,)}")


def _scale(layer: Layer, shape: Shape) -> Shape:
    for name in ("scale", "offset"):
        if _array(layer, name, 1).shape[0] not in (1, shape[-1]):
            raise ValueError(f"{name} of {len(layer[name])} values for {shape[-1]} channels")
    return shape


def _convolution(layer: Layer, shape: Shape) -> Shape:
    kernel, bias = _array(layer, "kernel", 4), _array(layer, "bias", 1)
    rows, columns, channels, filters = kernel.shape
    if rows != columns or len(shape) != 3 or channels != shape[2] or bias.shape != (filters,):
        raise ValueError(f"a kernel {kernel.shape} and bias {bias.shape} for a map {shape}")
    return (*_windows(layer, rows, shape), filters)


def _depthwise(layer: Layer, shape: Shape) -> Shape:
    kernel, bias = _array(layer, "kernel", 3), _array(layer, "bias", 1)
    rows, columns, channels = kernel.shape
    if rows != columns or len(shape) != 3 or channels != shape[2] or bias.shape != (channels,):
        raise ValueError(f"a kernel {kernel.shape} and bias {bias.shape} for a map {shape}")
    return (*_windows(layer, rows, shape), channels)


def _pooling(layer: Layer, shape: Shape) -> Shape:
    if layer["by"] not in ("max", "average") or len(shape) != 3:
        raise ValueError(f"pooling by {layer['by']!r} of a map {shape}")
    return (*_windows(layer, layer["window"], shape), shape[2])


def _windows(layer: Layer, window: Any, shape: Shape) -> Shape:
    """Return height and width after windows have moved over a map."""
    stride, padding, sizes = layer["stride"], layer["padding"], shape[:2]
    for size in (window, stride):
        if type(size) is not int or not 1 <= size <= max(sizes):
            raise ValueError(f"a window or stride of {size!r} for a map {shape}")
    if padding not in PADDINGS or (padding == "valid" and window > min(sizes)):
        raise ValueError(f"padding {padding!r} of a window of {window} for a map {shape}")
    if padding == "same":
        return tuple(-(-size // stride) for size in sizes)
    return tuple((size - window) // stride + 1 for size in sizes)


def _activation(layer: Layer, shape: Shape) -> Shape:
    if layer["function"] not in FUNCTIONS:
        raise ValueError(f"unknown activation {layer['function']!r}")
    if layer["function"] == "leaky_relu" and not abs(float(layer["slope"])) <= MAX_SLOPE:
        raise ValueError(f"a slope of {layer['slope']!r}")
    return shape


def _check_earlier(layer: Layer, shape: Shape, shapes: Sequence[Shape]) -> None:
    earlier = layer["earlier"]
    if type(earlier) is not int or not 0 <= earlier < len(shapes) or shapes[earlier] != shape:
        raise ValueError(f"layer {earlier!r} cannot be added to a map {shape}")


def _add(_: Layer, shape: Shape) -> Shape:
    return shape


def _flatten(_: Layer, shape: Shape) -> Shape:
    return (int(np.prod(shape)),)


def _dense(layer: Layer, shape: Shape) -> Shape:
    kernel, bias = _array(layer, "kernel", 2), _array(layer, "bias", 1)
    if (kernel.shape[0],) != shape or bias.shape != (kernel.shape[1],):
        raise ValueError(f"a kernel {kernel.shape} and bias {bias.shape} for a row {shape}")
    return (kernel.shape[1],)


SHAPES: Mapping[str, Callable[[Layer, Shape], Shape]] = {
    "scale": _scale,
    "convolution": _convolution,
    "depthwise": _depthwise,
    "pooling": _pooling,
    "activation": _activation,
    "add": _add,
    "flatten": _flatten,
    "dense": _dense,
}


def _array(layer: Layer, name: str, num_axes: int) -> np.ndarray:
    value = layer[name]
    if not isinstance(value, np.ndarray) or value.dtype != np.float32 or value.ndim != num_axes:
        raise ValueError(f"{name} is no array of {num_axes} axes of float32")
    if not np.isfinite(value).all():
        raise ValueError(f"{name} is not finite")
    return value
