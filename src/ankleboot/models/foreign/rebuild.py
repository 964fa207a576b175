"""Reconstruction of a foreign Keras model in our convention, out of Keras' own layers.

The new model takes (height, width, 1 or 3) in [0, 1] and ends in the layers "logits" and "probs",
with the probabilities in the order of the labels. Models inside models become one flat chain, so
that explanations and exports see every layer.
"""

from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.models.foreign.candidates import Signature
from ankleboot.models.foreign.convention import (
    IMAGE_EPSILON,
    LENGTH_AXES,
    Convention,
)

RESERVED = ("inputs", "logits", "probs", "scores", "row")
WITHOUT_EFFECT = (
    keras.layers.Dropout,
    keras.layers.ActivityRegularization,
    keras.layers.Identity,
    keras.layers.Flatten,
    keras.layers.Reshape,
)
"""Layers that change nothing behind the last one, at prediction, if the shape stays."""

ONLY_TRAINING = (
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomZoom,
    keras.layers.RandomTranslation,
    keras.layers.RandomContrast,
    keras.layers.RandomBrightness,
)
"""Augmentation inside the model; it is left out, since exported files never apply it."""

KINDS = {"softmax": "softmax", "sigmoid": "sigmoid"}


class Flattener:
    """Copy of a model's layers on new inputs; a layer that is used twice is copied once."""

    def __init__(self) -> None:
        self._names = set(RESERVED)
        self._copies: dict[int, Any] = {}
        self.num_left_out = 0

    def apply(self, model: Any, x: Any) -> Any:
        """Return the output of copies of the model's layers."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                x = self._call(layer, x)
            return x
        return model._run_through_graph(x, call_fn=self._call)

    def _call(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(layer, keras.Model):
            return self.apply(layer, *args)
        if not isinstance(layer, keras.layers.Layer):  # an operation, such as x / 255
            return layer(*args, **kwargs)
        if isinstance(layer, ONLY_TRAINING):
            self.num_left_out += 1
            return args[0]
        is_new = id(layer) not in self._copies
        if is_new:
            config = in_float32(layer.get_config()) | {"name": self._unique(layer.name)}
            self._copies[id(layer)] = type(layer).from_config(config)
        copy = self._copies[id(layer)]
        output = copy(*args, **kwargs)
        if is_new:
            copy.set_weights(layer.get_weights())
            if isinstance(copy, keras.layers.Normalization):
                copy.finalize_state()  # weights alone leave its arithmetic as it was
        return output

    def _unique(self, name: str) -> str:
        number, unique = 1, name
        while unique in self._names:
            number += 1
            unique = f"{name}_{number}"
        self._names.add(unique)
        return unique


def in_float32(config: Any) -> Any:
    """Return a configuration whose layers compute in float32, which every format can."""
    if isinstance(config, list):
        return [in_float32(value) for value in config]
    if not isinstance(config, dict):
        return config
    changed = {key: in_float32(value) for key, value in config.items()}
    dtype = config.get("dtype")
    name = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else dtype
    if isinstance(name, str) and "float" in name:
        changed["dtype"] = "float32"
    return changed


def computes_in_half(model: Any) -> bool:
    """Check if a layer computes with 16 bits, so that float32 differs from it."""
    return any(layer.compute_dtype in ("float16", "bfloat16") for layer in model._flatten_layers())


def signature_of(model: Any, kind: str) -> Signature:
    """Describe input and output of a Keras model.

    Raises:
        ModelError: If it has several inputs or outputs, or weights that are not finite.
    """
    num_inputs, num_outputs = len(model.inputs or ()), len(model.outputs or ())
    if not model.built or not num_inputs:
        raise ModelError("its input is unknown; call the model on an image once, and save it again")
    if num_inputs != 1 or num_outputs != 1:
        raise ModelError(f"expected one input and one output, got {num_inputs} and {num_outputs}")
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise ModelError("its weights are not finite")
    output_shape = tuple(model.outputs[0].shape[1:])
    if not output_shape or None in output_shape or max(output_shape) != np.prod(output_shape):
        raise ModelError(f"expected one row of outputs per image, got the shape {output_shape}")
    flattener = Flattener()
    shape = tuple(model.inputs[0].shape[1:])
    stated, _ = _head(_as_row(flattener.apply(model, keras.Input(shape))))
    num_values = int(np.prod(output_shape))
    if num_values == 1 and stated:
        stated = "binary-sigmoid" if stated == "sigmoid" else ""
    left_out = "augmentation inside the model is left out; it has no effect on predictions"
    return Signature(
        input_shape=tuple(size or 0 for size in shape),
        num_outputs=num_values,
        outputs=stated,
        parameters=model.count_params(),
        kind=kind,
        notes=(left_out,) if flattener.num_left_out else (),
    )


def rebuild(model: Any, convention: Convention, image_shape: tuple[int, ...]) -> Any:
    """Build the model in our convention.

    Args:
        model: Foreign model.
        convention: Its convention.
        image_shape: Height and width of the images, and 3 if they have colors.
    """
    channels = 3 if len(image_shape) == 3 else 1
    inputs = keras.Input((*image_shape[:2], channels), name="inputs")
    outputs = _as_row(Flattener().apply(model, _prepared(inputs, convention, channels)))
    kind, scores = _head(outputs)
    if kind and kind != convention.outputs.removeprefix("binary-"):
        raise ModelError(f"its last layer is a {kind}, but its outputs are {convention.outputs}")
    is_activated = not kind and convention.outputs not in ("logits", "binary-logit")
    scores = _log(outputs, convention) if is_activated else scores
    logits = _logits(scores, convention, is_log=is_activated)
    probs = keras.layers.Softmax(name="probs", dtype="float32")(logits)
    return keras.Model(inputs, probs, name=_valid_name(model.name))


def _as_row(outputs: Any) -> Any:
    """Drop axes of length 1, which a network of convolutions alone leaves."""
    return outputs if len(outputs.shape) == 2 else keras.layers.Flatten(name="row")(outputs)


def _valid_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name) or "adopted"


def _prepared(x: Any, convention: Convention, channels: int) -> Any:
    """Turn inputs in [0, 1] into those of the foreign model, as `Convention.inputs` does."""
    size = convention.size
    if convention.fit == "pad":
        margin = (size - x.shape[1]) // 2
        x = keras.layers.ZeroPadding2D(margin, name="prepared_pad")(x)
    elif convention.fit == "resize":
        x = keras.layers.Resizing(size, size, name="prepared_size")(x)
    if channels == 1 and convention.channels == 3:
        x = keras.layers.Concatenate(name="prepared_color")([x] * 3)
    if convention.bgr:
        x = _constant_dense(x, np.eye(3)[::-1], "prepared_bgr")
    x = _scaled(x, convention)
    match convention.layout:
        case "hw":
            x = keras.layers.Reshape((size, size), name="prepared_layout")(x)
        case "chw":
            x = keras.layers.Permute((3, 1, 2), name="prepared_layout")(x)
        case "flat":
            length = size * size * convention.channels
            x = keras.layers.Reshape((length,), name="prepared_layout")(x)
    return x


def _scaled(x: Any, convention: Convention) -> Any:
    mean, std = np.array(convention.mean), np.array(convention.std)
    if len(mean) > convention.channels:
        mean, std = (values.reshape(tuple(x.shape[1:])) for values in (mean, std))
    scale, offset = np.asarray(255 / std), np.asarray(-mean / std)
    if np.ptp(scale) == np.ptp(offset) == 0:
        scale, offset = np.asarray(scale.flat[0]), np.asarray(offset.flat[0])
    if np.any(scale != 1) or np.any(offset != 0):
        layer = keras.layers.Rescaling(scale.tolist(), offset.tolist(), name="prepared_scale")
        x = layer(x)
    name = "prepared_normal"
    if convention.normalization == "clipped":
        return keras.layers.ReLU(max_value=1, name=name)(x)
    if convention.normalization == "image":
        return keras.layers.LayerNormalization(
            axis=(1, 2, 3), epsilon=IMAGE_EPSILON, center=False, scale=False, name=name
        )(x)
    if axes := LENGTH_AXES.get(convention.normalization):
        x = keras.layers.UnitNormalization(list(axes), name=name)(x)
    return x


def _head(outputs: Any) -> tuple[str, Any]:
    """Return the activation of the last layer ("" if linear), and the layer or its input.

    The second value is a symbolic tensor, or the pair of a dense layer and its input.
    """
    layer, source = _origin(outputs)
    while isinstance(layer, WITHOUT_EFFECT) or _activation(layer) == "linear":
        if source is None or tuple(source.shape) != tuple(outputs.shape):
            break
        if isinstance(layer, keras.layers.Dense):
            return "", (layer, source)
        outputs = source
        layer, source = _origin(outputs)
    activation = _activation(layer)
    if isinstance(layer, keras.layers.Dense) and activation in ("linear", *KINDS):
        return KINDS.get(activation, ""), (layer, source)
    if isinstance(layer, keras.layers.Activation | keras.layers.Softmax) and activation in KINDS:
        inner, inner_source = _origin(source)
        if isinstance(inner, keras.layers.Dense) and _activation(inner) == "linear":
            return activation, (inner, inner_source)
        return activation, source
    return "", outputs


def _origin(tensor: Any) -> tuple[Any, Any]:
    """Return the layer that computes a tensor, and its input if it has a single one."""
    history = tensor._keras_history
    layer = history.operation
    nodes = layer._inbound_nodes
    inputs = nodes[history.node_index].input_tensors if nodes else []
    return layer, inputs[0] if len(inputs) == 1 else None


def _activation(layer: Any) -> str:
    """Return the name of a layer's activation; "" if it has none."""
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    activation = getattr(layer, "activation", None)
    return str(getattr(activation, "__name__", "")) if activation is not None else ""


def _logits(scores: Any, convention: Convention, *, is_log: bool = False) -> Any:
    """Return logits in the order of the labels whose softmax are the model's probabilities.

    The scores are what the last activation gets; of probabilities, `_log` gives their logarithm.
    """
    if isinstance(scores, tuple):
        dense, x = scores
        weights = [np.asarray(weight, np.float32) for weight in dense.get_weights()]
    else:
        x, weights = scores, [np.eye(scores.shape[-1], dtype=np.float32)]
    if convention.outputs.startswith("binary"):  # softmax of 0 and z is the sigmoid of z
        weights = [np.concatenate([np.zeros_like(w), w], axis=-1) for w in weights]
    weights = [weight[..., list(convention.order)] for weight in weights]
    is_sigmoid = convention.outputs == "sigmoid" and not is_log
    num_labels = len(convention.order)
    name = "scores" if is_sigmoid else "logits"
    layer = keras.layers.Dense(num_labels, use_bias=len(weights) == 2, name=name, dtype="float32")
    x = layer(x)
    layer.set_weights(weights)
    if is_sigmoid:  # their softmax divides each probability by the sum of all
        x = keras.layers.Activation("log_sigmoid", name="logits", dtype="float32")(x)
    return x


def _log(probs: Any, convention: Convention) -> Any:
    """Return the logarithm of probabilities that no activation at the end makes, as an average."""
    tiny = float(np.finfo(np.float32).tiny)
    x = keras.ops.log(keras.ops.maximum(probs, tiny))
    if convention.outputs == "binary-sigmoid":  # the one logit of two classes
        x = x - keras.ops.log(keras.ops.maximum(1 - probs, tiny))
    return x


def _constant_dense(x: Any, kernel: np.ndarray, name: str) -> Any:
    layer = keras.layers.Dense(kernel.shape[1], use_bias=False, trainable=False, name=name)
    x = layer(x)
    layer.set_weights([kernel.astype(np.float32)])
    return x
