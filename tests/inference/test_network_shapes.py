"""The check of network.json follows the shapes that its layers really compute."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.core.errors import ModelError
from ankleboot.inference.network_shapes import SHAPES, check_layers
from ankleboot.inference.numpy_network import KINDS

PADDINGS = st.sampled_from(("same", "valid"))


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def test_every_layer_has_its_rule() -> None:
    assert SHAPES.keys() == KINDS.keys()


@given(
    size=st.integers(3, 12),
    window=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=PADDINGS,
    filters=st.integers(1, 3),
)
def test_the_shapes_are_those_that_the_layers_compute(
    size: int, window: int, stride: int, padding: str, filters: int
) -> None:
    sizes = {"stride": stride, "padding": padding}
    layers: list[dict[str, Any]] = [
        {"kind": "scale", "scale": zeros(1), "offset": zeros(1)},
        {"kind": "convolution", "kernel": zeros(window, window, 1, filters)}
        | {"bias": zeros(filters)}
        | sizes,
        {"kind": "activation", "function": "gelu"},
    ]
    x = zeros(1, size, size, 1)
    shape: tuple[int, ...] = x.shape[1:]
    for layer in layers:
        x, shape = KINDS[layer["kind"]](x, layer), SHAPES[layer["kind"]](layer, shape)
        assert x.shape == (1, *shape)
    pooling = {"kind": "pooling", "by": "max", "window": min(window, shape[0])} | sizes
    pooling["stride"] = min(stride, shape[0])
    x, shape = KINDS["pooling"](x, pooling), SHAPES["pooling"](pooling, shape)
    assert x.shape == (1, *shape)


def test_a_skip_connection_adds_an_earlier_map_of_the_same_shape() -> None:
    scale = {"kind": "scale", "scale": zeros(1), "offset": zeros(1)}
    dense = {"kind": "dense", "kernel": zeros(16, 2), "bias": zeros(2)}
    depthwise = {"kind": "depthwise", "kernel": zeros(3, 3, 1), "bias": zeros(1), "stride": 1}
    same, smaller = depthwise | {"padding": "same"}, depthwise | {"padding": "valid"}

    def check(middle: dict[str, Any], earlier: Any) -> None:
        layers = [scale, middle, {"kind": "add", "earlier": earlier}, {"kind": "flatten"}, dense]
        check_layers(layers, (4, 4, 1), 2)

    check(same, 0)
    for middle, earlier in ((smaller, 0), (same, 2), (same, -1), (same, "0"), (same, True)):
        with pytest.raises(ValueError, match="cannot be added to a map"):
            check(middle, earlier)


def test_maps_far_larger_than_the_image_are_refused() -> None:
    wide = {"kind": "convolution", "kernel": zeros(1, 1, 1, 9_000), "bias": zeros(9_000)}
    with pytest.raises(ModelError, match="convolution has the shape"):
        check_layers([wide | {"stride": 1, "padding": "same"}], (28, 28, 1), 10)
