"""How much arithmetic a network's training is, and how much of it this machine could do."""

import json
import math
import time
from typing import Any

import keras

SIZE = 2_048  # rows and columns of the matrices whose product is timed
REPEATS = 12


def training_flops(model: keras.Model) -> int:
    """Floating-point operations that one training image costs in convolutions and dense layers.

    A multiplication and an addition count as two. Backward, a layer's kernel and its input each
    cost as much as the forward pass, unless the kernel is frozen or nothing below is trained.
    """
    total, trained_below = 0, False
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            places = math.prod(layer.output.shape[1:-1])
            forward = 2 * places * math.prod(layer.kernel.shape)
            trained = bool(layer.trainable_weights)
            total += forward * (1 + trained + trained_below)
            trained_below |= trained
    return total


def gemm_peak(dtype: str) -> float:
    """Fastest of some products of two square matrices, in GFLOP/s."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.normal([SIZE, SIZE]), dtype)
    multiply = tf.function(lambda a: tf.reduce_sum(tf.matmul(a, a)))
    multiply(matrix)
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        float(multiply(matrix))
        seconds.append(time.perf_counter() - started)
    return round(2 * SIZE**3 / min(seconds) / 1e9, 1)


def main() -> None:
    """Print both peaks."""
    peaks: dict[str, Any] = {dtype: gemm_peak(dtype) for dtype in ("float32", "bfloat16")}
    print(json.dumps(peaks))


if __name__ == "__main__":
    main()
