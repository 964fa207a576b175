"""Conversion of a Keras model, a chain of simple layers that may skip some, to network.json."""

from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import pack_array

TRAINING_ONLY = (keras.layers.InputLayer, keras.layers.Dropout)


def layers_of(model: keras.Model) -> list[dict[str, Any]]:
    """Return all layers up to "logits" in order, without those that only training uses."""
    layers: list[dict[str, Any]] = []
    index_of: dict[int, int] = {}  # of the layer that gives a tensor, by the tensor's identity
    previous = None
    for layer in model.layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        others = [tensor for tensor in inputs if previous is None or tensor is not previous.output]
        if previous is not None and not _is_chained(layer, inputs, others, index_of):
            raise _unsupported(model, f"{layer.name} has other inputs than {previous.name}")
        if isinstance(layer, keras.layers.Add):
            layers.append({"name": layer.name, "kind": "add", "earlier": index_of[id(others[0])]})
        elif not isinstance(layer, TRAINING_ONLY):
            layers += _convert_all(layer, model)
        index_of[id(layer.output)] = len(layers) - 1
        previous = layer
        if layer.name == "logits":
            if not any(entry["kind"] == "convolution" for entry in layers):
                raise _unsupported(model, "it has no convolution")
            return layers
    raise ModelError('the network has no layer "logits"; name its last dense layer "logits"')


def _is_chained(
    layer: keras.Layer, inputs: list[Any], others: list[Any], index_of: dict[int, int]
) -> bool:
    """Return whether a layer reads the layer before it, and an earlier one if it adds two."""
    if not isinstance(layer, keras.layers.Add):
        return not others
    return len(inputs) == 2 and len(others) == 1 and index_of.get(id(others[0]), -1) >= 0


def _convert_all(layer: keras.Layer, model: keras.Model) -> list[dict[str, Any]]:
    """Convert a layer to one entry, or to two for a pooling of whole maps."""
    if not isinstance(layer, keras.layers.GlobalAveragePooling2D | keras.layers.GlobalMaxPooling2D):
        return [{"name": layer.name} | _convert(layer, model)]
    _, height, width, _ = layer.input.shape
    if height != width:
        raise _unsupported(model, f"{layer.name} pools maps of {height} x {width}")
    by = "max" if isinstance(layer, keras.layers.GlobalMaxPooling2D) else "average"
    sizes = {"window": height, "stride": height, "padding": "valid"}
    return [
        {"name": f"{layer.name}_maps", "kind": "pooling", "by": by} | sizes,
        {"name": layer.name, "kind": "flatten"},
    ]


def _convert(layer: keras.Layer, model: keras.Model) -> dict[str, Any]:
    if not _has_known_settings(layer):
        raise _unsupported(model, f"{layer.name} has settings that the page does not compute")
    match layer:
        case keras.layers.Rescaling():
            scale, offset = pack_array([layer.scale]), pack_array([layer.offset])
            return {"kind": "scale", "scale": scale, "offset": offset}
        case keras.layers.BatchNormalization():
            return {"kind": "scale"} | _fold_batch_norm(layer)
        case keras.layers.DepthwiseConv2D() if layer.depth_multiplier == 1:
            sizes = {"stride": layer.strides[0], "padding": layer.padding}
            kernel = pack_array(np.asarray(layer.kernel)[..., 0])
            return {"kind": "depthwise"} | sizes | _weights(layer) | {"kernel": kernel}
        case keras.layers.Conv2D():
            sizes = {"stride": layer.strides[0], "padding": layer.padding}
            return {"kind": "convolution"} | sizes | _weights(layer)
        case keras.layers.MaxPooling2D() | keras.layers.AveragePooling2D():
            by = "max" if isinstance(layer, keras.layers.MaxPooling2D) else "average"
            sizes = {"window": layer.pool_size[0], "stride": layer.strides[0]}
            return {"kind": "pooling", "by": by, "padding": layer.padding} | sizes
        case keras.layers.ReLU():
            return {"kind": "activation", "function": "relu"}
        case keras.layers.LeakyReLU():
            slope = float(layer.negative_slope)
            return {"kind": "activation", "function": "leaky_relu", "slope": slope}
        case keras.layers.Activation() if layer.activation is keras.activations.gelu:
            return {"kind": "activation", "function": "gelu"}
        case keras.layers.Flatten():
            return {"kind": "flatten"}
        case keras.layers.Dense():
            return {"kind": "dense"} | _weights(layer)
    raise _unsupported(model, f"{layer.name} has the unsupported type {type(layer).__name__}")


def _has_known_settings(layer: keras.Layer) -> bool:
    """Return whether the page computes all that is set in a layer of a known type."""
    settings = layer.get_config()
    sizes = [settings.get(name, (1, 1)) for name in ("strides", "pool_size", "dilation_rate")]
    are_square = all(np.size(size) == 1 or size[0] == size[1] for size in sizes)
    neutral = {
        "activation": "linear",  # of a convolution or a dense layer
        "data_format": "channels_last",
        "dilation_rate": (1, 1),
        "groups": 1,
        "max_value": None,  # of ReLU, as in ReLU6
        "threshold": 0,
    }
    if isinstance(layer, keras.layers.ReLU):
        neutral["negative_slope"] = 0
    elif isinstance(layer, keras.layers.Activation):
        del neutral["activation"]
    elif isinstance(layer, keras.layers.Rescaling):
        return np.size(layer.scale) == np.size(layer.offset) == 1
    elif isinstance(layer, keras.layers.BatchNormalization):
        return bool(layer.center and layer.scale) and layer.axis in (-1, len(layer.input.shape) - 1)
    return are_square and all(settings.get(name, value) == value for name, value in neutral.items())


def _weights(layer: keras.Layer) -> dict[str, Any]:
    kernel = np.asarray(layer.kernel)
    bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(layer.output.shape[-1])
    return {"kernel": pack_array(kernel), "bias": pack_array(bias)}


def _fold_batch_norm(layer: keras.layers.BatchNormalization) -> dict[str, Any]:
    """Convert batch normalization to one multiplication and one addition per channel."""
    gamma, beta, mean, variance = (
        np.asarray(weights, np.float64) for weights in layer.get_weights()
    )
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return {"scale": pack_array(scale), "offset": pack_array(beta - mean * scale)}


def _unsupported(model: keras.Model, why: str) -> ModelError:
    return ModelError(
        f"{model.name}: the playground needs a chain of layers, as architecture=cnn builds; {why}. "
        "--format web makes a page of other networks"
    )
