"""HiResCAM: the share that each position of a layer's feature maps has in a class's logit."""

from typing import Any

import cv2
import keras
import numpy as np

from ankleboot.core.errors import ModelError, NotApplicableError
from ankleboot.core.types import Images, Labels, Maps, to_inputs
from ankleboot.evaluation.explain.gradients import class_gradients

MIN_SIDE = 7  # positions of a layer's output; fewer show no place in the image

PREPROCESSING = (
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Resizing,
    keras.layers.Reshape,
)
"""Layers whose outputs are pixels, not features."""


def hires_cam(model: Any, images: Images, classes: Labels, *, layer: str | None = None) -> Maps:
    """Multiply a layer's feature maps by the gradients of the class's logit, and sum the channels.

    A value is positive where a position supports the class. Where average pooling and one dense
    layer follow, the values of a map add up to the logit without its bias. Maps are as coarse as
    the output of the layer, by default the last activation of at least 7 x 7 positions, and
    interpolated to the image's size. Grad-CAM averages the gradients first, and so marks positions
    that change nothing, such as empty corners before a dense layer.

    Raises:
        ModelError: If the model has no such layer; NotApplicableError if none has enough positions.

    Source: Draelos and Carin 2020, https://arxiv.org/abs/2011.08891
    """
    target = _target_layer(model, layer)
    features = keras.Model(model.inputs[0], target.output)
    values = np.asarray(features(to_inputs(images), training=False))
    gradients = class_gradients(model, target.output, values, classes)
    return from_gradients(values, gradients, images.shape[1:3])


def from_gradients(values: np.ndarray, gradients: np.ndarray, size: tuple[int, ...]) -> Maps:
    """Compute HiResCAM of a height and width from feature maps and the gradients by them.

    Both have the shape (n, height, width, channels).
    """
    coarse = (values * gradients).sum(axis=-1).astype(np.float32)
    return np.stack([cv2.resize(each, size[::-1]) for each in coarse])  # linear


def _target_layer(model: Any, name: str | None) -> Any:
    layers = [layer for layer in model.layers if not isinstance(layer, PREPROCESSING)]
    candidates = {layer.name: layer for layer in layers if len(layer.output.shape) == 4}
    if name is not None:
        if name not in candidates:
            raise ModelError(f"no layer {name!r} with feature maps; valid: {', '.join(candidates)}")
        return candidates[name]
    if not candidates:
        raise NotApplicableError("the model has no layer with feature maps; hires-cam needs one")
    fine = [layer for layer in candidates.values() if min(layer.output.shape[1:3]) >= MIN_SIDE]
    if not fine:
        raise NotApplicableError(
            f"no layer has feature maps of {MIN_SIDE} x {MIN_SIDE} or more positions; smaller ones "
            "show no place in the image"
        )
    # most values of a convolution before its normalization are negative
    kinds = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.Activation)
    activations = [layer for layer in fine if isinstance(layer, kinds)]
    return (activations or fine)[-1]
