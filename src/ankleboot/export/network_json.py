"""A Keras model of simple layers, one behind the other, as the document that the page reads."""

from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.inference.numpy_network import pack

TRAINING_ONLY = (keras.layers.InputLayer, keras.layers.Dropout)


def layers_of(model: keras.Model) -> list[dict[str, Any]]:
    """All layers up to "logits", in order; what only training uses is left out.

    Raises:
        ModelError: If the network branches, or has a layer of another kind.
    """
    found: list[dict[str, Any]] = []
    previous = None
    for layer in model.layers:
        if previous is not None and layer.input is not previous.output:
            raise _unfit(model, f"{layer.name} does not follow {previous.name} alone")
        previous = layer
        if not isinstance(layer, TRAINING_ONLY):
            found.append({"name": layer.name} | _described(layer, model))
        if layer.name == "logits":
            if not any(one["kind"] == "convolution" for one in found):
                raise _unfit(model, "this one has no convolution")
            return found
    raise ModelError('the network has no layer "logits", as those of Ankleboot have')


def _described(layer: keras.Layer, model: keras.Model) -> dict[str, Any]:
    match layer:
        case keras.layers.Rescaling():
            return {"kind": "scale", "scale": pack([layer.scale]), "offset": pack([layer.offset])}
        case keras.layers.BatchNormalization():
            return {"kind": "scale"} | _learned_scale(layer)
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
    raise _unfit(model, f"{layer.name} is a {type(layer).__name__}")


def _weights(layer: keras.Layer) -> dict[str, Any]:
    kernel = np.asarray(layer.kernel)
    bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(kernel.shape[-1])
    return {"kernel": pack(kernel), "bias": pack(bias)}


def _learned_scale(layer: keras.layers.BatchNormalization) -> dict[str, Any]:
    """Once trained, batch normalisation is one multiplication and one addition per channel."""
    gamma, beta, mean, variance = (np.asarray(one, np.float64) for one in layer.get_weights())
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return {"scale": pack(scale), "offset": pack(beta - mean * scale)}


def _unfit(model: keras.Model, why: str) -> ModelError:
    return ModelError(
        f"{model.name}: a playground shows networks of architecture=cnn, one layer behind the other; {why}"
    )
