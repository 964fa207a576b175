"""The compiled training step (TensorFlow): many batches per call, no Python in the inner loop.

Images enter as uint8 and are scaled in the graph. Losses are always the plain cross-entropy, with
neither label smoothing nor penalties, so that training and validation can be compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot import models, optimizers
from ankleboot.arrays import NUM_CLASSES, Images, Labels
from ankleboot.errors import EnvironmentFailure, ModelError
from ankleboot.recipes import Recipe

EVALUATION_BATCH = 1_000  # images


@dataclass(frozen=True)
class Totals:
    """Sums over the images seen so far in an epoch."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0

    @property
    def mean_loss(self) -> float:
        return self.loss / max(self.images, 1)

    @property
    def accuracy(self) -> float:
        return self.correct / max(self.images, 1)

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.loss))


class Engine:
    """A model with its optimizer, trained some steps at a time.

    Raises:
        EnvironmentFailure: If Keras runs on another backend than TensorFlow.
    """

    def __init__(self, recipe: Recipe) -> None:
        if keras.backend.backend() != "tensorflow":
            raise EnvironmentFailure(
                f"training needs Keras on TensorFlow, not on {keras.backend.backend()}: "
                "unset KERAS_BACKEND or set it to tensorflow"
            )
        self._recipe = recipe
        self.model = models.build(recipe)
        self._logits = keras.Model(self.model.input, self.model.get_layer("logits").output)
        self._optimizer = optimizers.build(recipe)
        self._optimizer.build(self.model.trainable_variables)
        self._train = tf.function(self._train_steps)
        self._evaluate = tf.function(self._evaluate_steps)

    def train(self, part: "Epoch", first: int, last: int, totals: Totals) -> Totals:
        """Take the steps `first` to `last - 1` of an epoch and return the grown totals.

        Stops behind the first step whose loss is not finite; the totals show it.
        """
        loss, counts = self._train(
            part.images,
            part.labels,
            part.rates,
            # as tensors: a Python number would be compiled in, anew for every value
            tf.constant([first, last], tf.int32),
            tf.constant(totals.loss, tf.float64),
            tf.constant([totals.correct, totals.images], tf.int64),
        )
        return Totals(float(loss), int(counts[0]), int(counts[1]))

    def evaluate(self, images: Images, labels: Labels) -> Totals:
        """Loss and correct answers over all the images, in inference mode."""
        loss, counts = self._evaluate(tf.constant(images), tf.constant(labels))
        return Totals(float(loss), int(counts[0]), int(counts[1]))

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the next step depends on: weights, optimizer, dropout seeds."""
        return {key: np.asarray(variable) for key, variable in self._variables().items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what `state` returned.

        Raises:
            ModelError: If it belongs to another network.
        """
        variables = self._variables()
        if {key: tuple(v.shape) for key, v in variables.items()} != {
            key: value.shape for key, value in state.items()
        }:
            raise ModelError("the checkpoint belongs to another network or optimizer")
        for key, variable in variables.items():
            variable.assign(state[key])

    def _variables(self) -> dict[str, Any]:
        named = {}
        for owner, variables in (
            ("model", self.model.variables),  # includes the state of dropout's seed generators
            ("optimizer", self._optimizer.variables),
        ):
            for index, variable in enumerate(variables):
                named[f"{owner}/{index:03d}/{variable.name}"] = variable
        return named

    def _train_steps(
        self, images: Any, labels: Any, rates: Any, span: Any, loss: Any, counts: Any
    ) -> tuple[Any, Any]:
        size = self._recipe.batch_size
        for step in tf.range(span[0], span[1]):  # a loop inside the graph
            batch = slice(step * size, (step + 1) * size)  # the last one may be shorter
            targets = tf.cast(labels[batch], tf.int32)
            with tf.GradientTape() as tape:
                logits = self._logits(_scaled(images[batch]), training=True)
                objective = self._objective(targets, logits)
            gradients = tape.gradient(objective, self.model.trainable_variables)
            self._optimizer.learning_rate.assign(rates[step])
            self._optimizer.apply(gradients, self.model.trainable_variables)
            batch_loss, batch_counts = _judge(logits, targets)
            loss += batch_loss
            counts += batch_counts
            if not tf.math.is_finite(loss):
                break
        return loss, counts

    def _objective(self, targets: Any, logits: Any) -> Any:
        smoothing = self._recipe.label_smoothing
        rows = tf.one_hot(targets, NUM_CLASSES) * (1 - smoothing) + smoothing / NUM_CLASSES
        losses = tf.nn.softmax_cross_entropy_with_logits(rows, logits)
        return tf.add_n([tf.reduce_mean(losses), *self._logits.losses])

    def _evaluate_steps(self, images: Any, labels: Any) -> tuple[Any, Any]:
        loss, counts = tf.zeros((), tf.float64), tf.zeros(2, tf.int64)
        for start in tf.range(0, tf.shape(labels)[0], EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            logits = self._logits(_scaled(images[batch]), training=False)
            batch_loss, batch_counts = _judge(logits, tf.cast(labels[batch], tf.int32))
            loss += batch_loss
            counts += batch_counts
        return loss, counts


class Epoch:
    """One epoch's images in the order of training, on the device, with each step's rate."""

    def __init__(self, images: Images, labels: Labels, rates: optimizers.Rates) -> None:
        self.images, self.labels, self.rates = map(tf.constant, (images, labels, rates))


def _scaled(images: Any) -> Any:
    return tf.cast(images, tf.float32)[..., tf.newaxis] / 255.0


def _judge(logits: Any, targets: Any) -> tuple[Any, Any]:
    """Sum of the cross-entropies; number of correct answers and of images."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    correct = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), targets)
    counts = [tf.math.count_nonzero(correct), tf.size(targets, tf.int64)]
    return tf.cast(tf.reduce_sum(losses), tf.float64), tf.stack(counts)
