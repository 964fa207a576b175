"""Engine for accelerators: spans of steps as one compiled `lax.scan`, data on the devices.

With several devices on this host each takes an equal part of every batch, and holds all weights.
The program is that of one device (GSPMD): batch normalization and gradients are over whole batches,
so only the order of sums differs. Batches that the devices do not divide are computed by each.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ankleboot.core.types import Features, Images, Labels
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Chunk, Engine, RunningMetrics
from ankleboot.training.loss import cross_entropies, training_objective


class JaxEngine(Engine):
    """Engine that compiles each new number of steps and each new batch size once."""

    compiles_every_length = True
    has_fused_layers = False

    def _compile_steps(self) -> None:
        mesh = Mesh(np.array(jax.devices()), ("data",))
        self._everywhere = NamedSharding(mesh, PartitionSpec())
        self._by_batch = NamedSharding(mesh, PartitionSpec(None, "data"))
        self._train = jax.jit(self._train_steps, donate_argnums=0, out_shardings=self._everywhere)
        self._evaluate = jax.jit(self._evaluate_batch)
        self._step_variables = (
            self._logits.trainable_variables,
            self._logits.non_trainable_variables,
            self._optimizer.variables,
            self._average.variables,
            [self._losses],
        )

    def to_device(self, chunk: Chunk) -> Any:
        targets = self._targets(chunk)
        arrays = chunk.images, chunk.labels, *targets, chunk.positions, chunk.learning_rates
        return jax.device_put(arrays)

    def train(self, chunk: Any, first: int, last: int, totals: RunningMetrics) -> RunningMetrics:
        images, size = chunk[0], self._recipe.batch_size
        full = min(last, len(images) // size)  # steps before it have whole batches
        for start, stop, batch in ((first, full, size), (max(first, full), last, None)):
            if start < stop and totals.is_finite:
                num = batch or len(images) - start * size
                totals = self._train_span(chunk, start, stop, num, totals)
        return totals

    def _train_span(
        self, chunk: Any, first: int, last: int, size: int, totals: RunningMetrics
    ) -> RunningMetrics:
        """Take steps that all have batches of `size` images."""
        begin, num = first * self._recipe.batch_size, last - first
        *arrays, learning_rates = chunk
        batches = [
            array[begin : begin + num * size].reshape(num, size, *array.shape[1:])
            for array in arrays
        ]
        rates = learning_rates[first:last]
        if jax.device_count() > 1:
            divides = size % jax.device_count() == 0
            batches = jax.device_put(batches, self._by_batch if divides else self._everywhere)
            rates = jax.device_put(rates, self._everywhere)
        values, losses, correct = self._train(self._values(), (*batches, rates))
        for variables, updated in zip(self._step_variables, values, strict=True):
            for variable, value in zip(variables, updated, strict=True):
                variable.assign(value)
        losses, correct = np.asarray(losses, np.float64), np.asarray(correct)
        num_finite = int(np.isfinite(losses).cumprod().sum())  # steps before the first other one
        stop = min(num_finite + 1, len(losses))
        return totals + RunningMetrics(
            float(losses[:stop].sum()), int(correct[:stop].sum()), stop * size
        )

    def evaluate(self, images: Images | Features, labels: Labels) -> RunningMetrics:
        trained, fixed, *_ = self._values()
        totals, size = RunningMetrics(), base.evaluation_batch(self._recipe)
        for start in range(0, len(labels), size):
            batch = slice(start, start + size)
            loss, correct = self._evaluate(trained, fixed, images[batch], labels[batch])
            totals += RunningMetrics(float(loss), int(correct), len(labels[batch]))
        return totals

    def _compile(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        compiled: Callable[[Any], Any] = jax.jit(function)
        return compiled

    def _values(self) -> tuple[Any, ...]:
        return tuple([variable.value for variable in group] for group in self._step_variables)

    def _train_steps(self, values: Any, inputs: Any) -> tuple[Any, Any, Any]:
        optimized = {id(variable): i for i, variable in enumerate(self._optimizer.variables)}
        rate_index = optimized[id(self._optimizer._learning_rate)]
        step_index = optimized[id(self._optimizer.iterations)]
        both = *self._logits.trainable_variables, *self._logits.non_trainable_variables
        positions = {id(variable): i for i, variable in enumerate(both)}
        sources = [positions[id(variable)] for variable in self._average.sources]

        def objective(
            trained: Any, fixed: Any, pixels: Any, targets: Any, teacher: Any
        ) -> tuple[Any, Any]:
            logits, fixed, penalties = self._logits.stateless_call(
                trained, fixed, base.scale_images(pixels), training=True, return_losses=True
            )
            value = training_objective(targets, teacher, logits, penalties, self._objective)
            return value, (fixed, logits)

        def take_step(carry: Any, batch: Any) -> tuple[Any, Any]:
            trained, fixed, optimizer, averages, (losses,) = carry
            pixels, labels, targets, teacher, indices, rate = batch
            gradient = jax.value_and_grad(objective, has_aux=True)
            (_, (fixed, logits)), gradients = gradient(trained, fixed, pixels, targets, teacher)
            optimizer = [*optimizer[:rate_index], rate, *optimizer[rate_index + 1 :]]
            trained, optimizer = self._optimizer.stateless_apply(optimizer, gradients, trained)
            values = [*trained, *fixed]
            averages = self._average.next_values(
                averages, [values[i] for i in sources], optimizer[step_index]
            )
            batch_losses = cross_entropies(labels, logits)
            if self._recipe.hard_example_fraction < 1:
                losses = losses.at[indices].set(batch_losses)
            metrics = batch_losses.sum(), _num_correct(logits, labels)
            return (trained, fixed, optimizer, averages, [losses]), metrics

        values, (losses, correct) = jax.lax.scan(take_step, values, inputs)
        return values, losses, correct

    def _evaluate_batch(
        self, trained: Any, fixed: Any, images: Any, labels: Any
    ) -> tuple[Any, Any]:
        logits, _ = self._logits.stateless_call(
            trained, fixed, base.scale_images(images), training=False
        )
        return cross_entropies(labels, logits).sum(), _num_correct(logits, labels)


def _num_correct(logits: Any, labels: Any) -> Any:
    return (logits.argmax(1) == labels).sum()
