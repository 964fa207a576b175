"""Backbones of keras.applications, with ImageNet weights from a file or Keras' download."""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import (
    EnvironmentFailure,
    ModelError,
    UsageError,
    first_line,
    is_system_fault,
)
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.layers import ComputePolicy

CAFFE_MEANS = (103.939, 116.779, 123.68)  # blue, green and red in ImageNet, from 0 to 255

APPLICATIONS = {
    "mobilenet_v3_large": ("MobileNetV3Large", "bytes"),
    "resnet50_v2": ("ResNet50V2", "signed"),
    "vgg16": ("VGG16", "caffe"),
}
"""Names in keras.applications, and the pixel scalings that the weights expect."""


def features(name: str, inputs: Any, policy: ComputePolicy) -> Any:
    """Apply a network; see `Backbone`."""
    if policy.dtype != "float32":
        raise UsageError(f"backbone={name} computes in float32 only: set precision=float32")
    return _build(name, _scaled(inputs, APPLICATIONS[name][1])).output


def load_weights(name: str, model: keras.Model, path: str) -> None:
    """Load weights from a file that Keras publishes, with or without top; see `Backbone`."""
    if path and not Path(path).is_file():
        raise ModelError(f"{path}: no such weights file")
    try:
        source = _build(name, keras.Input((None, None, 3)), weights=path or "imagenet")
    except Exception as error:  # of urllib, h5py and Keras: many types
        if path and is_system_fault(error):
            raise EnvironmentFailure(f"cannot read {path}: {first_line(error)}") from error
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
    function = getattr(keras.applications, APPLICATIONS[name][0])
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
