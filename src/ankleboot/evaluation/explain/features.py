"""Filters, feature maps, receptive fields, and neighbors in feature space."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ankleboot.core.types import Images, Indices, SomeImages, batch_size_for, to_inputs
from ankleboot.evaluation.explain.gradients import logits_of

BATCH_SIZE = 1_000  # images
BLOCK = 8_192  # images whose features are in memory at a time
MAX_LAYERS = 12  # with feature maps
CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
POOLINGS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)


@dataclass(frozen=True)
class ReceptiveField:
    """Pixels of the image (per side) that one value of a layer depends on, and their spacing."""

    layer: str
    size: int
    stride: int


def first_filters(model: Any) -> np.ndarray:
    """Return the first convolution's kernels, averaged over colors: (filters, height, width)."""
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    kernel: np.ndarray = np.asarray(first.kernel).mean(axis=2).transpose(2, 0, 1)
    return kernel


def feature_maps(model: Any, images: Images) -> dict[str, np.ndarray]:
    """Compute the outputs of convolutions and poolings by name: (n, height, width, channels).

    A deep network is sampled evenly at `MAX_LAYERS` layers.
    """
    layers = [layer for layer in model.layers if isinstance(layer, (*CONVOLUTIONS, *POOLINGS))]
    sampled = np.linspace(0, len(layers) - 1, min(len(layers), MAX_LAYERS)).round().astype(int)
    layers = [layers[index] for index in sampled]
    extractor = keras.Model(model.inputs[0], [layer.output for layer in layers])
    values = extractor(to_inputs(images), training=False)
    values = values if isinstance(values, list) else [values]
    return {layer.name: np.asarray(v) for layer, v in zip(layers, values, strict=True)}


def receptive_fields(model: Any) -> tuple[ReceptiveField, ...]:
    """Compute the receptive field of every convolution and pooling, in order.

    Source: Araujo et al. 2019, https://distill.pub/2019/computing-receptive-fields
    """
    size, stride, fields = 1, 1, []
    for layer in model.layers:
        if isinstance(layer, CONVOLUTIONS):
            window, step = layer.kernel_size[0], layer.strides[0]
        elif isinstance(layer, POOLINGS):
            window, step = layer.pool_size[0], layer.strides[0]
        else:
            continue
        size, stride = size + (window - 1) * stride, stride * step
        fields.append(ReceptiveField(layer.name, size, stride))
    return tuple(fields)


def features(model: Any, images: Images) -> np.ndarray:
    """Compute the inputs of the layer "logits", scaled to unit length: (n, features)."""
    extractor = keras.Model(model.inputs[0], logits_of(model).input)
    size = batch_size_for(BATCH_SIZE, images.shape[1:])
    starts = range(0, len(images), size)
    rows = [np.asarray(extractor(to_inputs(images[s : s + size]), training=False)) for s in starts]
    values = np.concatenate(rows)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    unit: np.ndarray = values / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def nearest_training_images(
    model: Any, images: Images, known: SomeImages, candidates: Indices, *, count: int = 5
) -> np.ndarray:
    """Find the images of `known` that are most similar to each of `images` in feature space.

    Args:
        model: A trained network.
        images: Images to find neighbors of.
        known: Images to search.
        candidates: Indices of the images in `known` that may be neighbors.
        count: Number of neighbors for each image.

    Returns:
        Indices in `known` of shape (images, count), the most similar first.
    """
    queries = features(model, images)
    nearest = np.empty((len(images), 0), np.int64)
    similarity = np.empty((len(images), 0), np.float32)
    for start in range(0, len(candidates), BLOCK):
        block = candidates[start : start + BLOCK]
        block_similarity = queries @ features(model, known[block]).T
        nearest = np.hstack([nearest, np.broadcast_to(block, block_similarity.shape)])
        similarity = np.hstack([similarity, block_similarity])
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
        nearest = np.take_along_axis(nearest, order, axis=1)
        similarity = np.take_along_axis(similarity, order, axis=1)
    return nearest
