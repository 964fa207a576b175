"""Cost of a network: arithmetic, memory, time; receptive field."""

import math
import timeit
from typing import Any

import keras
import numpy as np

from ankleboot.core.types import Images
from ankleboot.evaluation.explain import features
from ankleboot.studies.measures.trained_run import TrainedRun

BATCH_SIZE = 250  # images
NUM_REPEATS = 7  # the fastest counts


def measure_cost(trained: TrainedRun) -> dict[str, Any]:
    """Measure arithmetic and maps per image, images per second and peak memory of training."""
    return {
        "forward_mflop": forward_flops(trained.model) / 1e6,
        "activation_kib": activation_bytes(trained.model) / 1024,
        "images_per_second": images_per_second(trained.model, trained.validation.images),
        "peak_mib": trained.peak_mib,
    }


def forward_flops(model: Any) -> int:
    """Return the FLOPs of convolutions and dense layers for one image."""
    return sum(
        2 * math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    )


def activation_bytes(model: Any) -> int:
    """Return the bytes of all layer outputs for one image in float32."""
    return sum(
        4 * math.prod(layer.output.shape[1:])
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer | keras.layers.Flatten)
    )


def images_per_second(model: Any, images: Images) -> float:
    """Return the throughput of the compiled network in float32, in batches, on all cores."""
    import tensorflow as tf

    batch = tf.constant(images[:BATCH_SIZE, ..., np.newaxis] / np.float32(255))
    run = tf.function(lambda inputs: model(inputs, training=False), autograph=False)
    run(batch)  # traces
    seconds = timeit.repeat(lambda: run(batch).numpy(), repeat=NUM_REPEATS, number=1)
    return len(batch) / min(seconds)


def measure_receptive_field(trained: TrainedRun) -> dict[str, Any]:
    """Measure the receptive field of the last convolution or pooling, and of every layer.

    The global average of a network without pooling is left out.
    """
    fields = [f for f in features.receptive_fields(trained.model) if f.layer != "places"]
    return {
        "receptive_field": fields[-1].size,
        "receptive_fields": [[field.layer, field.size, field.stride] for field in fields],
    }
