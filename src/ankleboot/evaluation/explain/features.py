"""What the layers hold: filters, feature maps, receptive fields, neighbours in feature space."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ankleboot.core.types import Images, Indices, SomeImages, batch_size_for, to_inputs
from ankleboot.evaluation.explain.gradients import logits_of

BATCH_SIZE = 1_000  # images
MOST_LAYERS = 12  # whose feature maps are shown
CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
POOLINGS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
BLOCK = 8_192  # images whose features are held at once


@dataclass(frozen=True)
class ReceptiveField:
    """Pixels of the image (per side) that one value of a layer depends on, and their spacing."""

    layer: str
    size: int
    stride: int


def first_filters(model: Any) -> np.ndarray:
    """Kernels of the first convolution, averaged over the colors: (filters, height, width)."""
    first = next(one for one in model.layers if isinstance(one, keras.layers.Conv2D))
    kernel: np.ndarray = np.asarray(first.kernel).mean(axis=2).transpose(2, 0, 1)
    return kernel


def feature_maps(model: Any, images: Images) -> dict[str, np.ndarray]:
    """The values of the convolutions and poolings, by name: (n, height, width, channels).

    Of a deep network some, evenly over the depth.
    """
    layers = [one for one in model.layers if isinstance(one, (*CONVOLUTIONS, *POOLINGS))]
    chosen = np.linspace(0, len(layers) - 1, min(len(layers), MOST_LAYERS)).round().astype(int)
    layers = [layers[place] for place in chosen]
    viewer = keras.Model(model.inputs[0], [one.output for one in layers])
    values = viewer(to_inputs(images), training=False)
    values = values if isinstance(values, list) else [values]
    return {one.name: np.asarray(v) for one, v in zip(layers, values, strict=True)}


def receptive_fields(model: Any) -> tuple[ReceptiveField, ...]:
    """Of every convolution and pooling, in order.

    Source: Araujo et al. 2019, https://distill.pub/2019/computing-receptive-fields
    """
    size, stride, found = 1, 1, []
    for one in model.layers:
        if isinstance(one, CONVOLUTIONS):
            window, step = one.kernel_size[0], one.strides[0]
        elif isinstance(one, POOLINGS):
            window, step = one.pool_size[0], one.strides[0]
        else:
            continue
        size, stride = size + (window - 1) * stride, stride * step
        found.append(ReceptiveField(one.name, size, stride))
    return tuple(found)


def features(model: Any, images: Images) -> np.ndarray:
    """What the last layer before the logits holds, scaled to unit length: (n, features)."""
    viewer = keras.Model(model.inputs[0], logits_of(model).input)
    size = batch_size_for(BATCH_SIZE, images.shape[1:])
    starts = range(0, len(images), size)
    rows = [np.asarray(viewer(to_inputs(images[s : s + size]), training=False)) for s in starts]
    values = np.concatenate(rows)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    unit: np.ndarray = values / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def nearest_training_images(
    model: Any, images: Images, known: SomeImages, among: Indices, *, count: int = 5
) -> np.ndarray:
    """Positions in `known` of the images most like each of `images`, the nearest first.

    Args:
        model: A trained network.
        images: To find others for.
        known: Where to look.
        among: Positions in `known` that may be found.
        count: How many for each image.
    """
    queries = features(model, images)
    found, likeness = np.empty((len(images), 0), np.int64), np.empty((len(images), 0), np.float32)
    for start in range(0, len(among), BLOCK):  # neither images nor features of all at once
        block = among[start : start + BLOCK]
        here = queries @ features(model, known[block]).T
        found = np.hstack([found, np.broadcast_to(block, here.shape)])
        likeness = np.hstack([likeness, here])
        order = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
        found = np.take_along_axis(found, order, axis=1)
        likeness = np.take_along_axis(likeness, order, axis=1)
    return found
