"""Floating-point operations of a network."""

import math

import keras


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
