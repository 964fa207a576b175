"""Grad-CAM: the positions of the last feature maps that raise the class."""

from typing import Any

import cv2
import keras
import numpy as np

from ankleboot.core.errors import ModelError, NotApplicableError
from ankleboot.core.types import Images, Labels, Maps, to_inputs
from ankleboot.evaluation.explain.gradients import class_gradients

PREPROCESSING = (
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Resizing,
    keras.layers.Reshape,
)
"""Layers whose outputs are pixels, not features."""


def grad_cam(model: Any, images: Images, classes: Labels, *, layer: str | None = None) -> Maps:
    """Weight a layer's feature maps by the class's mean gradient; keep the positive part.

    Maps are in [0, 1], each scaled by its maximum; all 0 where no position supports the class.
    They are as coarse as the output of the layer, by default the last activation before the logits
    (7 x 7 in `leaky`, 2 x 2 in `sprint` and `pocket`), and interpolated to the image's size.

    Raises:
        ModelError: If the model has no such layer; NotApplicableError if it has no feature maps.

    Source: Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391
    """
    target = _target_layer(model, layer)
    features = keras.Model(model.inputs[0], target.output)
    values = np.asarray(features(to_inputs(images), training=False))
    gradients = class_gradients(model, target.output, values, classes)
    return from_gradients(values, gradients, images.shape[1:3])


def from_gradients(values: np.ndarray, gradients: np.ndarray, size: tuple[int, ...]) -> Maps:
    """Compute Grad-CAM of a height and width from feature maps and the gradients by them.

    Both have the shape (n, height, width, channels).
    """
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    coarse = np.maximum((weights * values).sum(axis=-1), 0).astype(np.float32)
    maps = np.stack([cv2.resize(each, size[::-1]) for each in coarse])  # linear
    highest = maps.max(axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(maps, highest, out=np.zeros_like(maps), where=highest > 0))


def _target_layer(model: Any, name: str | None) -> Any:
    layers = [one for one in model.layers if not isinstance(one, PREPROCESSING)]
    candidates = {layer.name: layer for layer in layers if len(layer.output.shape) == 4}
    if not candidates:
        raise NotApplicableError("the model has no layer with feature maps; grad-cam needs one")
    if name is None:
        # most values of a convolution before its normalization are negative
        kinds = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.Activation)
        activations = [layer for layer in candidates.values() if isinstance(layer, kinds)]
        return (activations or list(candidates.values()))[-1]
    if name not in candidates:
        raise ModelError(f"no layer {name!r} with feature maps; valid: {', '.join(candidates)}")
    return candidates[name]
