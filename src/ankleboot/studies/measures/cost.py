"""What a network costs: arithmetic, memory, time; and how far its last maps see."""

import math
import time
from typing import Any

import keras
import numpy as np

from ankleboot.core.types import Images
from ankleboot.evaluation.explain import features
from ankleboot.studies.measures.trained_run import TrainedRun

BATCH_SIZE = 250  # images
ROUNDS = 7  # of which the fastest counts: others disturb, nobody helps
BYTES = 4  # of a float32


def cost(trained: TrainedRun) -> dict[str, Any]:
    """Arithmetic and maps of one image, images a second, memory of the whole training process."""
    return {
        "forward_mflop": forward_flops(trained.model) / 1e6,
        "activation_kib": activation_bytes(trained.model) / 1024,
        "images_per_second": images_per_second(trained.model, trained.part.images),
        "peak_mib": trained.peak_mib,
    }


def forward_flops(model: Any) -> int:
    """Of one image through convolutions and dense layers; multiplying and adding count as two."""
    return sum(
        2 * math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    )


def activation_bytes(model: Any) -> int:
    """What all layers say of one image in float32: training keeps most of it until the gradient."""
    return sum(
        BYTES * math.prod(layer.output.shape[1:])
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer | keras.layers.Flatten)
    )


def images_per_second(model: Any, images: Images) -> float:
    """Through the compiled network in float32, in batches, on all cores."""
    import tensorflow as tf

    batch = tf.constant(images[:BATCH_SIZE, ..., np.newaxis] / np.float32(255))
    run = tf.function(lambda inputs: model(inputs, training=False), autograph=False)
    run(batch)  # traces
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        run(batch).numpy()
        seconds.append(time.perf_counter() - started)
    return len(batch) / min(seconds)


def receptive_field(trained: TrainedRun) -> dict[str, Any]:
    """Pixels per side that one value of the last convolution or pooling depends on; by layer too.

    The averaging that ends a network without poolings is left out: it sees everything, by design.
    """
    found = [one for one in features.receptive_fields(trained.model) if one.layer != "places"]
    return {
        "receptive_field": found[-1].size,
        "receptive_fields": [[one.layer, one.size, one.stride] for one in found],
    }
