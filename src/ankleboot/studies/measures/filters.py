"""What filters do: their likeness to edge detectors, what they are worth, what layers know."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot.core.types import Images, Labels
from ankleboot.evaluation.explain import features
from ankleboot.studies.measures.trained_run import TrainedRun, predict
from ankleboot.studies.packing import packed

NUM_IMAGES = 3_000  # validation images on which filters are taken away and probes are judged
NUM_PROBED = 6_000  # training images that a probe is fitted on
DIRECTIONS = 512  # at most, random ones, that a probe sees of a layer: all layers have the same
RIDGE = 10.0
UNITS = 8  # of each block
ASCENT, STRIDE = 80, 0.5  # steps of gradient ascent, and their length
PICTURED_SEED = 0  # only one run's pictures are kept


def edges(trained: TrainedRun) -> dict[str, Any]:
    """How like the first kernels are to Sobel's and Gabor's."""
    kernels = features.first_filters(trained.model)
    sobel = likeness(kernels, sobel_family(kernels.shape[1]))
    gabor = likeness(kernels, gabor_family(kernels.shape[1]))
    found: dict[str, Any] = {
        "sobel_match": float(np.median(sobel)),
        "gabor_match": float(np.median(gabor)),
        "gabor_matches": gabor.round(3).tolist(),
    }
    if trained.recipe.seed == PICTURED_SEED:
        order = np.argsort(-gabor, kind="stable")
        found["kernels"] = kernels[order].round(4).tolist()
        found["kernel_matches"] = gabor[order].round(2).tolist()
    return found


def gabor_family(size: int) -> np.ndarray:
    """Gabor's patterns: waves of eight directions, four lengths and two phases under two bells."""
    place = np.arange(size) - (size - 1) / 2
    down, right = np.meshgrid(place, place, indexing="ij")
    found = []
    for angle in np.arange(8) * np.pi / 8:
        along = right * np.cos(angle) + down * np.sin(angle)
        for length in (size / 2, size / 1.5, size, 2 * size):
            for phase in (0.0, np.pi / 2):
                for width in (size / 5, size / 3):
                    bell = np.exp(-(down**2 + right**2) / (2 * width**2))
                    found.append(bell * np.cos(2 * np.pi * along / length + phase))
    return np.stack(found)


def sobel_family(size: int) -> np.ndarray:
    """Sobel's edge detector, smoothed to the size, in eight directions."""
    place = np.arange(size) - (size - 1) / 2
    down, right = np.meshgrid(place, place, indexing="ij")
    bell = np.exp(-(down**2 + right**2) / (2 * (size / 4) ** 2))
    angles = np.arange(8) * np.pi / 8
    return np.stack([bell * (right * np.cos(a) + down * np.sin(a)) for a in angles])


def likeness(kernels: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Of each kernel the largest correlation, of either sign, with any of the family."""

    def units(patterns: np.ndarray) -> np.ndarray:
        flat = patterns.reshape(len(patterns), -1).astype(np.float64)
        flat = flat - flat.mean(axis=1, keepdims=True)
        rows: np.ndarray = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
        return rows

    best: np.ndarray = np.abs(units(kernels) @ units(family).T).max(axis=1)
    return best


def ablation(trained: TrainedRun) -> dict[str, Any]:
    """What the accuracy loses when a filter of the first convolution is silenced, one by one."""
    part = trained.part
    drops = ablation_drops(trained.model, part.images[:NUM_IMAGES], part.labels[:NUM_IMAGES])
    return {
        "ablation_drops": drops.round(5).tolist(),
        "largest_drop": float(drops.max()),
        "median_drop": float(np.median(drops)),
    }


def ablation_drops(model: Any, images: Images, labels: Labels) -> np.ndarray:
    """As `ablation`, of any network; it is left as it was."""
    first = next(one for one in model.layers if isinstance(one, keras.layers.Conv2D))
    weights = first.get_weights()
    whole = (predict(model, images).argmax(axis=1) == labels).mean()
    drops = []
    for channel in range(weights[0].shape[-1]):
        silenced = [weight.copy() for weight in weights]
        for weight in silenced:
            weight[..., channel] = 0
        first.set_weights(silenced)
        drops.append(whole - (predict(model, images).argmax(axis=1) == labels).mean())
    first.set_weights(weights)
    return np.array(drops)


def probes(trained: TrainedRun) -> dict[str, Any]:
    """What a linear reader gets right from the pixels and from each block: what is laid open."""
    split = trained.data.split(replace(trained.recipe, train_size=0)).train  # readers read alike
    places = split[:: max(1, len(split) // NUM_PROBED)][:NUM_PROBED]
    known, part = trained.data.train.take(places), trained.part
    held_out, labels = part.images[:NUM_IMAGES], part.labels[:NUM_IMAGES]
    accuracies = [("pixels", probe(_flat(known.images), known.labels, _flat(held_out), labels))]
    for name in _depths(trained.model):
        viewer = keras.Model(trained.model.inputs[0], trained.model.get_layer(name).output)
        seen = [_flat(predict(viewer, images)) for images in (known.images, held_out)]
        accuracies.append((name.split("_")[0], probe(seen[0], known.labels, seen[1], labels)))
    return {
        "probe_depths": [name for name, _ in accuracies],
        "probe_accuracies": [value for _, value in accuracies],
        "probe_pixels": accuracies[0][1],
        "probe_deepest": accuracies[-1][1],
    }


def _depths(model: Any) -> list[str]:
    """The ends of the blocks."""
    return [one.name for one in model.layers if one.name.endswith("_pool")]


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1).astype(np.float64)


def probe(known: np.ndarray, labels: Labels, new: np.ndarray, truth: Labels) -> float:
    """Accuracy on `new` of ridge regression on `known`, through the same number of directions."""
    if known.shape[1] > DIRECTIONS:
        directions = np.random.default_rng(0).normal(size=(known.shape[1], DIRECTIONS))
        known, new = known @ directions, new @ directions
    middle, spread = known.mean(axis=0), known.std(axis=0) + 1e-9
    known, new = (known - middle) / spread, (new - middle) / spread
    targets = np.eye(int(max(labels.max(), truth.max())) + 1)[labels]
    gram = known.T @ known + RIDGE * np.eye(known.shape[1])
    weights = np.linalg.solve(gram, known.T @ (targets - targets.mean(axis=0)))
    said = (new @ weights + targets.mean(axis=0)).argmax(axis=1)
    return float((said == truth).mean())


def pictures(trained: TrainedRun) -> dict[str, Any]:
    """Of one run: images that excite a unit most, one image's maps, and the images themselves."""
    if trained.recipe.seed != PICTURED_SEED:
        return {}
    image = trained.part.images[:1]
    found: dict[str, Any] = {
        "example": packed(image[0]),
        "dreams": {},
        "maps": {},
        "favourites": {},
    }
    for name in _depths(trained.model):
        block = name.split("_")[0]
        viewer = keras.Model(trained.model.inputs[0], trained.model.get_layer(name).output)
        maps = predict(viewer, image)[0]
        units = np.argsort(-maps.max(axis=(0, 1)), kind="stable")[:UNITS]
        found["maps"][block] = [packed(_bytes(maps[..., unit])) for unit in units]
        before = keras.Model(viewer.inputs[0], trained.model.get_layer(f"{block}_conv1").output)
        found["dreams"][block] = [packed(one) for one in dreams(before, units)]
        excited = predict(viewer, trained.part.images[:NUM_IMAGES]).mean(axis=(1, 2))
        best = excited[:, units].argmax(axis=0)
        found["favourites"][block] = [packed(trained.part.images[one]) for one in best]
    return found


def _bytes(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    scaled: np.ndarray = (255 * (values - low) / max(high - low, 1e-9)).astype(np.uint8)
    return scaled


def dreams(viewer: Any, units: np.ndarray) -> np.ndarray:
    """The images that excite the units' middle place most: gradient ascent from faint noise.

    To be given what comes before the activation, where no unit is silent and so without a gradient.
    """
    noise = np.random.default_rng(0).random((len(units), *viewer.input_shape[1:]), np.float32)
    images = tf.Variable(0.4 + 0.05 * noise)
    row, column = (side // 2 for side in viewer.output_shape[1:3])
    chosen = tf.one_hot(units, viewer.output_shape[-1])

    def climb() -> None:
        with tf.GradientTape() as tape:
            answers = tf.reduce_sum(viewer(images, training=False)[:, row, column] * chosen)
        gradients = tape.gradient(answers, images)
        lengths = tf.norm(tf.reshape(gradients, (len(units), -1)), axis=1)[:, None, None, None]
        images.assign(tf.clip_by_value(images + STRIDE * gradients / (lengths + 1e-9), 0, 1))

    step = tf.function(climb, autograph=False)
    for _ in range(ASCENT):
        step()
    pixels: np.ndarray = (255 * images.numpy()[..., 0]).astype(np.uint8)
    return pixels
