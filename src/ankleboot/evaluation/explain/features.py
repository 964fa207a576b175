"""Filters, feature maps, receptive fields, and neighbors in feature space."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ankleboot.core.progress import counting
from ankleboot.core.types import Images, Indices, SomeImages, batch_size_for, to_inputs
from ankleboot.evaluation.explain.gradients import logits_of
from ankleboot.inference.keras import BATCH_SIZE, compute_function

BLOCK = 8_000  # images in memory at a time; large ones are fewer
MAX_LAYERS = 12  # with feature maps
DEPTHWISE = (keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
CONVOLUTIONS = (keras.layers.Conv2D, *DEPTHWISE)
KERNEL_LAYERS = (*CONVOLUTIONS, keras.layers.Dense)
POOLINGS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)


@dataclass(frozen=True)
class ReceptiveField:
    """Pixels of the image (per side) that one value of a layer depends on, and their spacing."""

    layer: str
    size: int
    stride: int


def first_filters(model: Any) -> np.ndarray | None:
    """Return the first layer's kernels, averaged over colors: (filters, height, width).

    Those of a dense layer on all pixels are as large as the image. None if there are no kernels
    of images.
    """
    first = next((layer for layer in model.layers if isinstance(layer, KERNEL_LAYERS)), None)
    if first is None:
        return None
    kernel = np.asarray(_kernel(first))
    if kernel.ndim == 2:
        height, width, channels = model.inputs[0].shape[1:]
        if kernel.shape[0] != height * width * channels:
            return None
        kernel = kernel.reshape(height, width, channels, -1)
    elif isinstance(first, DEPTHWISE):  # a filter reads one color
        return np.asarray(kernel.reshape(*kernel.shape[:2], -1).transpose(2, 0, 1))
    return np.asarray(kernel.mean(axis=2).transpose(2, 0, 1))


def _kernel(layer: Any) -> Any:
    """Return the weights that read the image, which separable layers have beside others."""
    is_separable = isinstance(layer, keras.layers.SeparableConv2D)
    return layer.depthwise_kernel if is_separable else layer.kernel


def feature_maps(model: Any, images: Images) -> dict[str, np.ndarray]:
    """Compute the outputs of convolutions and poolings by name: (n, height, width, channels).

    A deep network is sampled evenly at `MAX_LAYERS` layers; one without convolutions gives {}.
    """
    layers = [layer for layer in model.layers if isinstance(layer, (*CONVOLUTIONS, *POOLINGS))]
    if not layers:
        return {}
    sampled = np.linspace(0, len(layers) - 1, min(len(layers), MAX_LAYERS)).round().astype(int)
    outputs = {layers[index].name: layers[index].output for index in sampled}
    values = keras.Model(model.inputs[0], outputs)(to_inputs(images), training=False)
    return {name: np.asarray(values[name]) for name in outputs}


def receptive_fields(model: Any) -> tuple[ReceptiveField, ...]:
    """Compute the receptive field of every convolution and pooling, in order.

    Source: Araujo et al. 2019, https://distill.pub/2019/computing-receptive-fields
    """
    size, stride, fields = 1, 1, []
    for layer in model.layers:
        if isinstance(layer, (*CONVOLUTIONS, *POOLINGS)):
            is_pooling = isinstance(layer, POOLINGS)
            window = (layer.pool_size if is_pooling else layer.kernel_size)[0]
            size, stride = size + (window - 1) * stride, stride * layer.strides[0]
            fields.append(ReceptiveField(layer.name, size, stride))
    return tuple(fields)


def feature_extractor(model: Any) -> Callable[[Images], np.ndarray]:
    """Return a function from images to inputs of the layer "logits", each scaled to length 1."""
    extract = compute_function(keras.Model(model.inputs[0], logits_of(model).input))

    def features(images: Images) -> np.ndarray:
        size = batch_size_for(BATCH_SIZE, images.shape[1:])
        starts = range(0, len(images), size)
        values = np.concatenate([extract(to_inputs(images[s : s + size])) for s in starts])
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        return np.asarray(values / np.maximum(lengths, np.finfo(np.float32).tiny))

    return features


def nearest_training_images(
    model: Any, images: Images, known: SomeImages, candidates: Indices, *, count: int = 5
) -> np.ndarray:
    """Find the images of `known` that are most similar to each of `images` in feature space.

    `candidates` are the indices of those that may be neighbors. The result has indices in `known`
    of shape (images, count), the most similar first.
    """
    features = feature_extractor(model)
    queries = features(images)
    size = batch_size_for(BLOCK, images.shape[1:])
    products = []
    with counting("training images", len(candidates)) as report:
        for start in range(0, len(candidates), size):
            report(start)
            products.append(queries @ features(known[candidates[start : start + size]]).T)
    similarity = np.hstack(products)
    return candidates[np.argsort(-similarity, axis=1, kind="stable")[:, :count]]
