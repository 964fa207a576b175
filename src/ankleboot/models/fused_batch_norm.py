"""Batch normalisation as the one operation that TensorFlow has for it."""

from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # untyped
    """Keras' layer for images (n, height, width, channels), computed by FusedBatchNormV3.

    Keras 3 casts bfloat16 to float32 and normalises in several operations; the fused one reads
    bfloat16 and needs a seventh of the time (`docs/performance.md`). Only for training: files hold
    Keras' own layer, which has the same variables. To be made with dtype="float32" and
    autocast=False: variables and statistics are float32, images keep the type they come in.
    """

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:  # noqa: ARG002
        """Normalise, and move the statistics when training."""
        scale, offset = self.gamma.value, self.beta.value
        if not training:
            outputs, _, _ = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                scale,
                offset,
                self.moving_mean.value,
                self.moving_variance.value,
                epsilon=self.epsilon,
                is_training=False,
            )
            return outputs
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, scale, offset, epsilon=self.epsilon, is_training=True
        )
        # The operation returns n / (n - 1) times the variance that Keras means.
        num = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        variance = variance * (num - 1) / num
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return outputs
