"""Grad-CAM: the positions of the last feature maps that raise the class."""

from typing import Any

import cv2
import keras
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Labels, Maps, to_inputs
from ankleboot.evaluation.explain.gradients import class_gradients


def grad_cam(model: Any, images: Images, classes: Labels, *, layer: str | None = None) -> Maps:
    """Weight a layer's feature maps by the class's mean gradient; keep the positive part.

    Args:
        model: A trained network.
        images: Images to explain.
        classes: Class to explain for each image, usually the predicted one.
        layer: Name of a layer with feature maps; by default the last activation before the logits.
            The map is as coarse as its output (7 x 7 in `leaky`, 2 x 2 in `sprint` and `pocket`),
            and is interpolated to the image's size.

    Returns:
        Maps in [0, 1], each scaled by its maximum; all 0 where no position supports the class.

    Raises:
        ModelError: If the model has no such layer.

    Source: Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391
    """
    target = _target_layer(model, layer)
    features = keras.Model(model.inputs[0], target.output)
    values = np.asarray(features(to_inputs(images), training=False))
    gradients = class_gradients(model, target.output, values, classes)
    return from_gradients(values, gradients, images.shape[1:3])


def from_gradients(values: np.ndarray, gradients: np.ndarray, size: tuple[int, ...]) -> Maps:
    """Compute Grad-CAM from feature maps and gradients.

    Args:
        values: Feature maps of shape (n, height, width, channels).
        gradients: Gradients of the class's logit by the feature maps, of the same shape.
        size: Height and width of the result.
    """
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    coarse = np.maximum((weights * values).sum(axis=-1), 0).astype(np.float32)
    width_height = (size[1], size[0])
    maps = np.stack(
        [cv2.resize(values, width_height, interpolation=cv2.INTER_LINEAR) for values in coarse]
    )
    highest = maps.max(axis=(1, 2), keepdims=True)
    scaled: np.ndarray = np.divide(maps, highest, out=np.zeros_like(maps), where=highest > 0)
    return scaled


def _target_layer(model: Any, name: str | None) -> Any:
    candidates = [
        layer
        for layer in model.layers
        if len(layer.output.shape) == 4 and not isinstance(layer, keras.layers.InputLayer)
    ]
    if name is None:
        if not candidates:
            raise ModelError("the model has no layer with feature maps; Grad-CAM needs one")
        # most values of a convolution before its normalization are negative
        kinds = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.Activation)
        activations = [layer for layer in candidates if isinstance(layer, kinds)]
        return (activations or candidates)[-1]
    for layer in candidates:
        if layer.name == name:
            return layer
    names = ", ".join(layer.name for layer in candidates)
    raise ModelError(f"no layer {name!r} with feature maps; valid: {names}")
