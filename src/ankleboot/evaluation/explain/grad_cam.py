"""Grad-CAM: which places of the last feature maps raise the class."""

from typing import Any

import cv2
import keras
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Images, Labels, Maps, to_inputs
from ankleboot.evaluation.explain.gradients import class_gradients


def grad_cam(model: Any, images: Images, classes: Labels, *, layer: str | None = None) -> Maps:
    """Weigh a layer's feature maps by the class's mean gradient; keep what is positive.

    Args:
        model: A trained network.
        images: To explain.
        classes: One for each image, usually the predicted one.
        layer: Name of a layer with places; by default the last activation, next to the logits.
            The map is as coarse as its output (7 x 7 places in `leaky`, 2 x 2 in `sprint` and
            `pocket`), and smoothed to the image's size.

    Returns:
        Maps in [0, 1], each scaled by its maximum; all 0 where nothing speaks for the class.

    Raises:
        ModelError: If the model has no such layer.

    Source: Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391
    """
    target = _layer(model, layer)
    features = keras.Model(model.inputs[0], target.output)
    values = np.asarray(features(to_inputs(images), training=False))
    gradients = class_gradients(model, target.output, values, classes)
    return from_gradients(values, gradients, images.shape[1:3])


def from_gradients(values: np.ndarray, gradients: np.ndarray, size: tuple[int, ...]) -> Maps:
    """The arithmetic of Grad-CAM.

    Args:
        values: Feature maps of shape (n, height, width, channels).
        gradients: Of the class by them, of the same shape.
        size: Height and width of the maps.
    """
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    coarse = np.maximum((weights * values).sum(axis=-1), 0).astype(np.float32)
    side = (size[1], size[0])
    maps = np.stack([cv2.resize(one, side, interpolation=cv2.INTER_LINEAR) for one in coarse])
    highest = maps.max(axis=(1, 2), keepdims=True)
    scaled: np.ndarray = np.divide(maps, highest, out=np.zeros_like(maps), where=highest > 0)
    return scaled


def _layer(model: Any, name: str | None) -> Any:
    with_places = [one for one in model.layers if len(one.output.shape) == 4]
    with_places = [one for one in with_places if not isinstance(one, keras.layers.InputLayer)]
    if name is None:
        if not with_places:
            raise ModelError("the model has no layer with places; Grad-CAM needs a convolution")
        # not what a convolution puts out before its normalisation: there most of it is negative
        kinds = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.Activation)
        active = [one for one in with_places if isinstance(one, kinds)]
        return (active or with_places)[-1]
    found = [one for one in with_places if one.name == name]
    if not found:
        names = ", ".join(one.name for one in with_places)
        raise ModelError(f"no layer {name!r} with places; there are {names}")
    return found[0]
