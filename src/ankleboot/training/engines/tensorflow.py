"""The engine for processors: a TensorFlow graph with the loop over the steps inside."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot.core.types import NUM_CLASSES, Features, Images, Labels
from ankleboot.models import architectures
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Chunk, RunningMetrics
from ankleboot.training.optimizers.build import build_optimizer

LABELS = tf.TensorSpec([None], tf.int32)
PLACES = tf.TensorSpec([None], tf.int32)
RATES = tf.TensorSpec([None], tf.float32)
SPAN = tf.TensorSpec([2], tf.int32)
LOSS = tf.TensorSpec([], tf.float64)
COUNTS = tf.TensorSpec([2], tf.int64)


class TensorFlowEngine:
    """See `engines.Engine`."""

    compiles_every_length = False

    def __init__(
        self,
        recipe: Recipe,
        num_images: int,
        num_classes: int = NUM_CLASSES,
        *,
        model: keras.Model | None = None,
        frozen: bool = False,
    ) -> None:
        self._recipe, self._num_classes = recipe, num_classes
        arithmetic = ComputePolicy(base.compute_dtype(recipe), fused=True)
        self.model = model or architectures.build_model(recipe, arithmetic, num_classes=num_classes)
        self._logits = base.trainable_model(self.model, frozen=frozen)
        self._optimizer = build_optimizer(recipe)
        self._optimizer.build(self._logits.trainable_variables)
        self._losses = tf.Variable(tf.zeros(num_images if recipe.hard_example_fraction < 1 else 0))
        # Signatures, because chunks differ in length, and every new shape would be traced anew;
        # no autograph, because rewriting our code took longer than tracing it
        images = tf.TensorSpec([None, *recipe.image_spec.image_shape], tf.uint8)
        if frozen:
            images = tf.TensorSpec(self._logits.input_shape, tf.float32)
        signature = [images, LABELS, PLACES, RATES, SPAN, LOSS, COUNTS]
        self._train = tf.function(self._train_steps, signature, autograph=False)
        self._evaluate = tf.function(self._evaluate_steps, [images, LABELS], autograph=False)

    def put(self, chunk: Chunk) -> tuple[Any, ...]:
        return tuple(
            map(tf.constant, (chunk.images, _wide(chunk.labels), chunk.places, chunk.rates))
        )

    def train(
        self, chunk: tuple[Any, ...], first: int, last: int, totals: RunningMetrics
    ) -> RunningMetrics:
        loss, counts = self._train(
            *chunk,
            # as tensors: a Python number would be compiled in, anew for every value
            tf.constant([first, last], tf.int32),
            tf.constant(totals.loss, tf.float64),
            tf.constant([totals.correct, totals.images], tf.int64),
        )
        return RunningMetrics(float(loss), int(counts[0]), int(counts[1]))

    def evaluate(self, images: Images | Features, labels: Labels) -> RunningMetrics:
        loss, counts = self._evaluate(tf.constant(images), tf.constant(_wide(labels)))
        return RunningMetrics(float(loss), int(counts[0]), int(counts[1]))

    def features(self, images: Images) -> Features:
        backbone = base.feature_extractor(self.model)
        see = tf.function(lambda part: backbone(_scaled(part), training=False), autograph=False)
        size = base.evaluation_batch(self._recipe)
        starts = range(0, len(images), size)
        found = [np.asarray(see(tf.constant(images[start : start + size]))) for start in starts]
        return np.concatenate(found).astype(np.float32)

    def losses(self) -> np.ndarray:
        return np.array(self._losses)

    def state(self) -> dict[str, np.ndarray]:
        return {key: np.array(variable) for key, variable in self._variables().items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        variables = self._variables()
        base.check_shapes({key: tuple(v.shape) for key, v in variables.items()}, state)
        for key, variable in variables.items():
            variable.assign(state[key])

    def _variables(self) -> dict[str, Any]:
        named = {"losses": self._losses}
        for owner, variables in (
            ("model", self.model.variables),  # includes the state of dropout's seed generators
            ("optimizer", self._optimizer.variables),
        ):
            for index, variable in enumerate(variables):
                named[f"{owner}/{index:03d}/{variable.name}"] = variable
        return named

    def _train_steps(
        self, images: Any, labels: Any, places: Any, rates: Any, span: Any, loss: Any, counts: Any
    ) -> tuple[Any, Any]:
        size = self._recipe.batch_size

        def go_on(step: Any, loss: Any, counts: Any) -> Any:  # noqa: ARG001
            return (step < span[1]) & tf.math.is_finite(loss)

        def take(step: Any, loss: Any, counts: Any) -> tuple[Any, Any, Any]:
            batch = slice(step * size, (step + 1) * size)  # the last one may be shorter
            targets = labels[batch]
            with tf.GradientTape() as tape:
                logits = self._logits(_scaled(images[batch]), training=True)
                objective = self._objective(targets, logits)
            variables = self._logits.trainable_variables
            gradients = tape.gradient(objective, variables)
            self._optimizer.learning_rate.assign(rates[step])
            self._optimizer.apply(gradients, variables)
            losses = _cross_entropies(targets, logits)
            if self._recipe.hard_example_fraction < 1:
                self._losses.scatter_update(tf.IndexedSlices(losses, places[batch]))
            return step + 1, loss + _sum(losses), counts + _count(logits, targets)

        _, loss, counts = tf.while_loop(go_on, take, (span[0], loss, counts))
        return loss, counts

    def _objective(self, targets: Any, logits: Any) -> Any:
        smoothing, num = self._recipe.label_smoothing, self._num_classes
        rows = tf.one_hot(targets, num) * (1 - smoothing) + smoothing / num
        losses = tf.nn.softmax_cross_entropy_with_logits(rows, logits)
        return tf.add_n([tf.reduce_mean(losses), *self._logits.losses])

    def _evaluate_steps(self, images: Any, labels: Any) -> tuple[Any, Any]:
        size = base.evaluation_batch(self._recipe)

        def judge(start: Any, loss: Any, counts: Any) -> tuple[Any, Any, Any]:
            batch = slice(start, start + size)
            targets = labels[batch]
            logits = self._logits(_scaled(images[batch]), training=False)
            losses = _cross_entropies(targets, logits)
            return start + size, loss + _sum(losses), counts + _count(logits, targets)

        nothing = tf.zeros((), tf.int32), tf.zeros((), tf.float64), tf.zeros(2, tf.int64)
        _, loss, counts = tf.while_loop(lambda start, *_: start < tf.size(labels), judge, nothing)
        return loss, counts


def _wide(labels: Labels) -> np.ndarray:
    """Labels in one type, however many classes there are."""
    return labels.astype(np.int32)


def _scaled(images: Any) -> Any:
    """Pixels in [0, 1] with an axis for the channels; features as they are."""
    if images.dtype == tf.float32:
        return images
    scaled = tf.cast(images, tf.float32)
    return (scaled[..., tf.newaxis] if images.shape.rank == 3 else scaled) / 255.0


def _cross_entropies(targets: Any, logits: Any) -> Any:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)


def _sum(losses: Any) -> Any:
    return tf.cast(tf.reduce_sum(losses), tf.float64)


def _count(logits: Any, targets: Any) -> Any:
    """Number of correct answers, and of images."""
    correct = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), targets)
    return tf.stack([tf.math.count_nonzero(correct), tf.size(targets, tf.int64)])
