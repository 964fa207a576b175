"""Floating-point operations of a network."""

import math

import keras


def training_flops(model: keras.Model) -> int:
    """Count the operations per training image in convolutions and dense layers.

    A multiplication and an addition count as two. In the backward pass, the gradients of a layer's
    kernel and of its input each cost as much as the forward pass. A frozen kernel needs none, and
    neither does an input without a trained layer below.
    """
    total, trained_below = 0, False
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            num_positions = math.prod(layer.output.shape[1:-1])
            forward = 2 * num_positions * math.prod(layer.kernel.shape)
            trained = bool(layer.trainable_weights)
            total += forward * (1 + trained + trained_below)
            trained_below |= trained
    return total
