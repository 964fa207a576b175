"""Engine for processors: a TensorFlow graph that holds the loop over the steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ankleboot.core.types import Features, Images, Labels
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Chunk, Engine, RunningMetrics
from ankleboot.training.loss import cross_entropies, training_objective

LABELS = POSITIONS = tf.TensorSpec([None], tf.int32)
TARGETS = tf.TensorSpec([None, None], tf.float32)
LEARNING_RATES = tf.TensorSpec([None], tf.float32)
SPAN = tf.TensorSpec([2], tf.int32)
TOTALS = tf.TensorSpec([], tf.float64), tf.TensorSpec([2], tf.int64)  # loss and counts


class TensorFlowEngine(Engine):
    """Engine whose calls each run one graph, whatever the number of steps."""

    compiles_every_length = False
    has_fused_layers = True

    def _compile_steps(self) -> None:
        # Signatures, because chunks differ in length and TensorFlow traces every new shape anew.
        # No autograph, because rewriting this code took longer than tracing it.
        images = tf.TensorSpec([None, *self._recipe.image_spec.image_shape], tf.uint8)
        if self.frozen:
            images = tf.TensorSpec(self._logits.input_shape, tf.float32)
        chunk = (images, LABELS, TARGETS, TARGETS, POSITIONS, LEARNING_RATES)
        signature = [chunk, SPAN, *TOTALS]
        self._train = tf.function(self._train_steps, signature, autograph=False)
        self._evaluate = tf.function(self._evaluate_steps, [images, LABELS], autograph=False)

    def to_device(self, chunk: Chunk) -> tuple[Any, ...]:
        labels = chunk.labels.astype(np.int32)  # the number of classes decides their type
        arrays = chunk.images, labels, *self._targets(chunk), chunk.positions, chunk.learning_rates
        return tuple(map(tf.constant, arrays))

    def train(
        self, chunk: tuple[Any, ...], first: int, last: int, totals: RunningMetrics
    ) -> RunningMetrics:
        loss, counts = self._train(
            chunk,
            # tensors, because TensorFlow traces anew for every value of a Python number
            tf.constant([first, last], tf.int32),
            tf.constant(totals.loss, tf.float64),
            tf.constant([totals.correct, totals.images], tf.int64),
        )
        return RunningMetrics(float(loss), int(counts[0]), int(counts[1]))

    def evaluate(self, images: Images | Features, labels: Labels) -> RunningMetrics:
        targets = tf.constant(labels.astype(np.int32))
        loss, counts = self._evaluate(tf.constant(images), targets)
        return RunningMetrics(float(loss), int(counts[0]), int(counts[1]))

    def _compile(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        compiled = tf.function(function, autograph=False)
        return lambda array: compiled(tf.constant(array))

    def _train_steps(self, chunk: Any, span: Any, loss: Any, counts: Any) -> tuple[Any, Any]:
        images, labels, targets, teacher, positions, learning_rates = chunk
        size, average = self._recipe.batch_size, self._average

        def is_unfinished(step: Any, loss: Any, counts: Any) -> Any:  # noqa: ARG001
            return (step < span[1]) & tf.math.is_finite(loss)

        def take_step(step: Any, loss: Any, counts: Any) -> tuple[Any, Any, Any]:
            batch = slice(step * size, (step + 1) * size)  # the last one may be shorter
            with tf.GradientTape() as tape:
                logits = self._logits(base.scale_images(images[batch]), training=True)
                objective = training_objective(
                    targets[batch], teacher[batch], logits, self._logits.losses, self._objective
                )
            variables = self._logits.trainable_variables
            gradients = tape.gradient(objective, variables)
            self._optimizer.learning_rate.assign(learning_rates[step])
            self._optimizer.apply(gradients, variables)
            values = [each.value for each in average.sources]
            before = [each.value for each in average.variables]
            after = average.next_values(before, values, self._optimizer.iterations)
            for variable, value in zip(average.variables, after, strict=True):
                variable.assign(value)
            losses = cross_entropies(labels[batch], logits)
            if self._recipe.hard_example_fraction < 1:
                self._losses.value.scatter_update(tf.IndexedSlices(losses, positions[batch]))
            return step + 1, loss + _sum(losses), counts + _count(logits, labels[batch])

        _, loss, counts = tf.while_loop(is_unfinished, take_step, (span[0], loss, counts))
        return loss, counts

    def _evaluate_steps(self, images: Any, labels: Any) -> tuple[Any, Any]:
        size = base.evaluation_batch(self._recipe)

        def evaluate_batch(start: Any, loss: Any, counts: Any) -> tuple[Any, Any, Any]:
            batch = slice(start, start + size)
            targets = labels[batch]
            logits = self._logits(base.scale_images(images[batch]), training=False)
            losses = cross_entropies(targets, logits)
            return start + size, loss + _sum(losses), counts + _count(logits, targets)

        zeros = tf.zeros((), tf.int32), tf.zeros((), tf.float64), tf.zeros(2, tf.int64)
        _, loss, counts = tf.while_loop(
            lambda start, *_: start < tf.size(labels), evaluate_batch, zeros
        )
        return loss, counts


def _sum(losses: Any) -> Any:
    return tf.cast(tf.reduce_sum(losses), tf.float64)


def _count(logits: Any, targets: Any) -> Any:
    """Count correct predictions and images."""
    correct = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), targets)
    return tf.stack([tf.math.count_nonzero(correct), tf.size(targets, tf.int64)])
