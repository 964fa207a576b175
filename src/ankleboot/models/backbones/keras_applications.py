"""Backbones of keras.applications, with ImageNet weights from a file or Keras' download."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError, first_line
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.layers import ComputePolicy

CAFFE_MEANS = (103.939, 116.779, 123.68)  # blue, green and red in ImageNet, from 0 to 255


@dataclass(frozen=True)
class _Application:
    """Name in keras.applications, and the pixel scaling that the weights expect."""

    function: str
    inputs: str


NAMES: Mapping[str, _Application] = MappingProxyType(
    {
        "mobilenet_v3_large": _Application("MobileNetV3Large", "bytes"),
        "resnet50_v2": _Application("ResNet50V2", "signed"),
        "vgg16": _Application("VGG16", "caffe"),
    }
)


def features(name: str, inputs: Any, policy: ComputePolicy) -> Any:
    """Apply a network; see `Backbone`.

    Raises:
        UsageError: If the policy is not float32, which keras.applications requires.
    """
    if policy.dtype != "float32":
        raise UsageError(f"backbone={name} computes in float32 only: set precision=float32")
    x = _scaled(inputs, NAMES[name].inputs)
    return _build(name, x).output


def load_weights(name: str, model: keras.Model, path: str) -> None:
    """Load weights from a file that Keras publishes, with or without top; see `Backbone`.

    Raises:
        EnvironmentFailure: If Keras cannot fetch its own file.
        ModelError: If the file is missing or belongs to another network.
    """
    if path and not Path(path).is_file():
        raise ModelError(f"{path}: no such weights file")
    try:
        source = _build(name, keras.Input((None, None, 3)), weights=path or "imagenet")
    except Exception as error:  # of urllib, h5py and Keras: many types
        if path:
            raise ModelError(f"{path}: no weights of {name} ({first_line(error)})") from error
        raise EnvironmentFailure(
            f"Keras cannot fetch the weights of {name} ({first_line(error)}); "
            "name a file of them with --set weights=PATH"
        ) from error
    for layer in source.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())


def _build(name: str, inputs: Any, weights: str | None = None) -> keras.Model:
    function = getattr(keras.applications, NAMES[name].function)
    # only MobileNetV3 scales its pixels itself, and has this argument
    options = {"include_preprocessing": True} if name.startswith("mobilenet_v3") else {}
    return function(include_top=False, weights=weights, input_tensor=inputs, **options)


def _scaled(inputs: Any, kind: str) -> Any:
    if kind == "bytes":
        return keras.layers.Rescaling(255.0, name="scaled")(inputs)
    if kind == "signed":
        return keras.layers.Rescaling(2.0, -1.0, name="scaled")(inputs)
    # blue first, minus the means; a convolution, because every export format supports it
    layer = keras.layers.Conv2D(3, 1, trainable=False, name="scaled")
    x = layer(inputs)
    kernel = 255 * np.eye(3, dtype=np.float32)[::-1]
    layer.set_weights([kernel[None, None], -np.array(CAFFE_MEANS, np.float32)])
    return x


def _backbone(name: str) -> Backbone:
    return Backbone(partial(features, name), partial(load_weights, name))


MOBILENET_V3_LARGE = _backbone("mobilenet_v3_large")
RESNET50_V2 = _backbone("resnet50_v2")
VGG16 = _backbone("vgg16")
