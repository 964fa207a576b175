"""Filters: likeness to edge detectors, ablation, linear probes, images that excite units."""

import itertools
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot.core.types import Images, Labels, pack_array
from ankleboot.evaluation.explain import features
from ankleboot.studies.measures.trained_run import TrainedRun, accuracy, part_of, predict

NUM_IMAGES = 3_000  # validation images for ablation and probes
NUM_PROBED = 6_000  # training images of a probe
MAX_DIRECTIONS = 512  # random projections of a layer; a probe gets as many from every layer
RIDGE = 10.0
NUM_UNITS = 8  # per block
NUM_ASCENT_STEPS, ASCENT_STEP_SIZE = 80, 0.5  # of gradient ascent
ILLUSTRATED_SEED = 0  # only one run keeps its images


def measure_kernels(trained: TrainedRun) -> dict[str, Any]:
    """Measure the likeness of the first kernels to Sobel's and Gabor's patterns."""
    kernels = features.first_filters(trained.model)
    if kernels is None:
        return {}
    sobel = best_correlation(kernels, sobel_family(kernels.shape[1]))
    gabor = best_correlation(kernels, gabor_family(kernels.shape[1]))
    measures: dict[str, Any] = {
        "sobel_match": float(np.median(sobel)),
        "gabor_match": float(np.median(gabor)),
        "gabor_matches": gabor.round(3).tolist(),
    }
    if trained.recipe.seed == ILLUSTRATED_SEED:
        order = np.argsort(-gabor, kind="stable")
        measures["kernels"] = kernels[order].round(4).tolist()
        measures["kernel_matches"] = gabor[order].round(2).tolist()
    return measures


def gabor_family(size: int) -> np.ndarray:
    """Return Gabor's patterns: 8 directions, 4 wavelengths, 2 phases, 2 envelopes."""
    down, right = _positions(size)
    patterns = []
    for angle, length, phase, width in itertools.product(
        np.arange(8) * np.pi / 8,
        (size / 2, size / 1.5, size, 2 * size),
        (0.0, np.pi / 2),
        (size / 5, size / 3),
    ):
        along = right * np.cos(angle) + down * np.sin(angle)
        bell = np.exp(-(down**2 + right**2) / (2 * width**2))
        patterns.append(bell * np.cos(2 * np.pi * along / length + phase))
    return np.stack(patterns)


def sobel_family(size: int) -> np.ndarray:
    """Return Sobel's edge detector, smoothed to the size, in eight directions."""
    down, right = _positions(size)
    bell = np.exp(-(down**2 + right**2) / (2 * (size / 4) ** 2))
    angles = np.arange(8) * np.pi / 8
    return np.stack([bell * (right * np.cos(a) + down * np.sin(a)) for a in angles])


def _positions(size: int) -> np.ndarray:
    """Return the offsets of pixels from the middle, down and right: (2, size, size)."""
    return np.mgrid[:size, :size] - (size - 1) / 2


def best_correlation(kernels: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Return the largest absolute correlation of each kernel with a pattern of the family."""

    def units(patterns: np.ndarray) -> np.ndarray:
        flat = patterns.reshape(len(patterns), -1).astype(np.float64)
        flat = flat - flat.mean(axis=1, keepdims=True)
        rows: np.ndarray = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
        return rows

    best: np.ndarray = np.abs(units(kernels) @ units(family).T).max(axis=1)
    return best


def measure_ablation(trained: TrainedRun) -> dict[str, Any]:
    """Measure the accuracy lost by zeroing each filter of the first convolution."""
    part = trained.validation
    drops = ablation_drops(trained.model, part.images[:NUM_IMAGES], part.labels[:NUM_IMAGES])
    return {
        "ablation_drops": drops.round(5).tolist(),
        "largest_drop": float(drops.max()),
        "median_drop": float(np.median(drops)),
    }


def ablation_drops(model: Any, images: Images, labels: Labels) -> np.ndarray:
    """Return the accuracy lost by zeroing each filter; the network is restored."""
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    weights = first.get_weights()
    whole = accuracy(model, images, labels)
    drops, channels = [], np.arange(weights[0].shape[-1])
    for channel in channels:
        first.set_weights([np.where(channels == channel, 0, weight) for weight in weights])
        drops.append(whole - accuracy(model, images, labels))
    first.set_weights(weights)
    return np.array(drops)


def measure_probes(trained: TrainedRun) -> dict[str, Any]:
    """Measure the accuracy of a linear probe of the pixels and of each block."""
    split = trained.data.split(replace(trained.recipe.split_rule, train_size=0)).train
    indices = split[:: max(1, len(split) // NUM_PROBED)][:NUM_PROBED]
    known, part = trained.data.train.take(indices), trained.validation
    held_out, labels = part.images[:NUM_IMAGES], part.labels[:NUM_IMAGES]
    accuracies = {"pixels": probe_accuracy(known.images, known.labels, held_out, labels)}
    for name, viewer in _blocks(trained.model).items():
        seen, new = predict(viewer, known.images), predict(viewer, held_out)
        accuracies[name] = probe_accuracy(seen, known.labels, new, labels)
    values = list(accuracies.values())
    return {
        "probe_depths": list(accuracies),
        "probe_accuracies": values,
        "probe_pixels": values[0],
        "probe_deepest": values[-1],
    }


def _blocks(model: Any) -> dict[str, Any]:
    """Return the network up to the end of every block, by the block's name."""
    ends = [layer.name for layer in model.layers if layer.name.endswith("_pool")]
    return {name.split("_")[0]: part_of(model, name) for name in ends}


def probe_accuracy(known: np.ndarray, labels: Labels, new: np.ndarray, truth: Labels) -> float:
    """Return the accuracy on `new` of ridge regression on random projections of `known`."""
    known, new = (rows.reshape(len(rows), -1).astype(np.float64) for rows in (known, new))
    if known.shape[1] > MAX_DIRECTIONS:
        directions = np.random.default_rng(0).normal(size=(known.shape[1], MAX_DIRECTIONS))
        known, new = known @ directions, new @ directions
    mean, std = known.mean(axis=0), known.std(axis=0) + 1e-9
    known, new = (known - mean) / std, (new - mean) / std
    targets = np.eye(int(max(labels.max(), truth.max())) + 1)[labels]
    gram = known.T @ known + RIDGE * np.eye(known.shape[1])
    weights = np.linalg.solve(gram, known.T @ (targets - targets.mean(axis=0)))
    predicted = (new @ weights + targets.mean(axis=0)).argmax(axis=1)
    return float((predicted == truth).mean())


def show_units(trained: TrainedRun) -> dict[str, Any]:
    """Return images that excite a unit most, and maps of one image; for one seed only."""
    if trained.recipe.seed != ILLUSTRATED_SEED:
        return {}
    images = trained.validation.images
    shown: dict[str, Any] = {"dreams": {}, "maps": {}, "favourites": {}}
    for block, viewer in _blocks(trained.model).items():
        seen = predict(viewer, images[:1])[0]
        units = np.argsort(-seen.max(axis=(0, 1)), kind="stable")[:NUM_UNITS]
        before = part_of(trained.model, f"{block}_conv1")
        excited = predict(viewer, images[:NUM_IMAGES]).mean(axis=(1, 2))
        shown["dreams"][block] = [pack_array(dream) for dream in ascend_gradients(before, units)]
        shown["maps"][block] = [pack_array(_bytes(seen[..., unit])) for unit in units]
        best = excited[:, units].argmax(axis=0)
        shown["favourites"][block] = [pack_array(images[index]) for index in best]
    return {"example": pack_array(images[0])} | shown


def _bytes(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    scaled: np.ndarray = (255 * (values - low) / max(high - low, 1e-9)).astype(np.uint8)
    return scaled


def ascend_gradients(viewer: Any, units: np.ndarray) -> np.ndarray:
    """Return images that excite the central position of units, by gradient ascent from noise.

    `viewer` ends before the activation, where every unit has a gradient.
    """
    noise = np.random.default_rng(0).random((len(units), *viewer.input_shape[1:]), np.float32)
    images = tf.Variable(0.4 + 0.05 * noise)
    row, column = (side // 2 for side in viewer.output_shape[1:3])
    chosen = tf.one_hot(units, viewer.output_shape[-1])

    def ascend() -> None:
        with tf.GradientTape() as tape:
            excitation = tf.reduce_sum(viewer(images, training=False)[:, row, column] * chosen)
        gradients = tape.gradient(excitation, images)
        lengths = tf.norm(tf.reshape(gradients, (len(units), -1)), axis=1)[:, None, None, None]
        images.assign(
            tf.clip_by_value(images + ASCENT_STEP_SIZE * gradients / (lengths + 1e-9), 0, 1)
        )

    step = tf.function(ascend, autograph=False)
    for _ in range(NUM_ASCENT_STEPS):
        step()
    pixels: np.ndarray = (255 * images.numpy()[..., 0]).astype(np.uint8)
    return pixels
