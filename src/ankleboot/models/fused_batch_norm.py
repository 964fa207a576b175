"""Batch normalization as a single TensorFlow operation."""

from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # untyped
    """Keras' layer for images (n, height, width, channels), computed by FusedBatchNormV3.

    Keras 3 casts bfloat16 to float32 and normalizes in several operations; the fused operation
    reads bfloat16 and takes a seventh of the time (`docs/performance.md`). It serves training only:
    files hold Keras' own layer, which has the same variables. Create it with dtype="float32" and
    autocast=False: variables and statistics are float32, images keep their type.
    """

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:  # noqa: ARG002
        """Normalize, and update the moving statistics in training, unless the layer is frozen."""
        training = training and self.trainable
        scale, offset = self.gamma.value, self.beta.value
        moving = () if training else (self.moving_mean.value, self.moving_variance.value)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, scale, offset, *moving, epsilon=self.epsilon, is_training=bool(training)
        )
        if not training:
            return outputs
        # the operation returns n / (n - 1) times the variance that Keras uses
        num = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        variance = variance * (num - 1) / num
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return outputs
