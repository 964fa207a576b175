"""The engine for accelerators: spans of steps as one compiled `lax.scan`, data on the device."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ankleboot.core.types import NUM_CLASSES, Features, Images, Labels
from ankleboot.models import architectures
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Chunk, RunningMetrics
from ankleboot.training.optimizers.build import build_optimizer


class JaxEngine:
    """See `engines.Engine`.

    A number of steps, or a batch shorter than the others, is compiled when it is first seen.
    """

    compiles_every_length = True

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
        arithmetic = ComputePolicy(base.compute_dtype(recipe))
        self.model = model or architectures.build_model(recipe, arithmetic, num_classes=num_classes)
        self._logits = base.trainable_model(self.model, frozen=frozen)
        self._optimizer = build_optimizer(recipe)
        self._optimizer.build(self._logits.trainable_variables)
        self._losses = jnp.zeros(num_images if recipe.hard_example_fraction < 1 else 0)
        self._train = jax.jit(self._train_steps, donate_argnums=0)
        self._evaluate = jax.jit(self._evaluate_steps)

    def put(self, chunk: Chunk) -> Any:
        return jax.device_put((chunk.images, chunk.labels, chunk.places, chunk.rates))

    def train(self, chunk: Any, first: int, last: int, totals: RunningMetrics) -> RunningMetrics:
        images, size = chunk[0], self._recipe.batch_size
        full = min(last, len(images) // size)  # steps before it have whole batches
        for start, stop, batch in ((first, full, size), (max(first, full), last, None)):
            if start < stop and totals.is_finite:
                totals = self._span(chunk, start, stop, batch or len(images) - start * size, totals)
        return totals

    def _span(
        self, chunk: Any, first: int, last: int, size: int, totals: RunningMetrics
    ) -> RunningMetrics:
        """Take steps that all have batches of `size` images."""
        begin = first * self._recipe.batch_size
        images, labels, places = (
            array[begin : begin + (last - first) * size].reshape(-1, size, *array.shape[1:])
            for array in chunk[:3]
        )
        rates = chunk[3][first:last]
        result = self._train(self._variables(), images, labels, places, rates)
        self._adopt(*result[0])
        losses, correct = np.asarray(result[1], np.float64), np.asarray(result[2])
        seen = int(np.isfinite(losses).cumprod().sum())  # steps before the first that is not finite
        stop = min(seen + 1, len(losses))
        return totals + RunningMetrics(
            float(losses[:stop].sum()), int(correct[:stop].sum()), stop * size
        )

    def evaluate(self, images: Images | Features, labels: Labels) -> RunningMetrics:
        trained, fixed = self._variables()[:2]
        totals, size = RunningMetrics(), base.evaluation_batch(self._recipe)
        for start in range(0, len(labels), size):
            batch = slice(start, start + size)
            loss, correct = self._evaluate(trained, fixed, images[batch], labels[batch])
            totals += RunningMetrics(float(loss), int(correct), len(labels[batch]))
        return totals

    def features(self, images: Images) -> Features:
        backbone = base.feature_extractor(self.model)
        see = jax.jit(lambda part: backbone(_scaled(part), training=False))
        size = base.evaluation_batch(self._recipe)
        starts = range(0, len(images), size)
        found = [np.asarray(see(images[start : start + size])) for start in starts]
        return np.concatenate(found).astype(np.float32)

    def losses(self) -> np.ndarray:
        return np.array(self._losses)

    def state(self) -> dict[str, np.ndarray]:
        named = {"losses": np.array(self._losses)}
        for key, variable in self._named().items():
            named[key] = np.array(variable.value)
        return named

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        named = self._named()
        shapes = {key: tuple(variable.shape) for key, variable in named.items()}
        base.check_shapes(shapes | {"losses": self._losses.shape}, state)
        for key, variable in named.items():
            variable.assign(state[key])
        self._losses = jnp.asarray(state["losses"])

    def _named(self) -> dict[str, Any]:
        return {
            f"{owner}/{index:03d}/{variable.name}": variable
            for owner, variables in (
                ("model", self.model.variables),
                ("optimizer", self._optimizer.variables),
            )
            for index, variable in enumerate(variables)
        }

    def _variables(self) -> tuple[Any, ...]:
        """The values that a step changes, without their names."""
        groups = (
            self._logits.trainable_variables,
            self._logits.non_trainable_variables,
            self._optimizer.variables,
        )
        return (*([variable.value for variable in group] for group in groups), self._losses)

    def _adopt(self, trained: Any, fixed: Any, optimizer: Any, losses: Any) -> None:
        """Put back what `_variables` gave out."""
        for variables, values in (
            (self._logits.trainable_variables, trained),
            (self._logits.non_trainable_variables, fixed),
            (self._optimizer.variables, optimizer),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self._losses = losses

    def _train_steps(
        self, variables: Any, images: Any, labels: Any, places: Any, rates: Any
    ) -> tuple[Any, Any, Any]:
        smoothing, num = self._recipe.label_smoothing, self._num_classes
        rate_index = next(
            index
            for index, variable in enumerate(self._optimizer.variables)
            if variable is self._optimizer._learning_rate
        )

        def objective(trained: Any, fixed: Any, pixels: Any, targets: Any) -> tuple[Any, Any]:
            logits, fixed, penalties = self._logits.stateless_call(
                trained, fixed, _scaled(pixels), training=True, return_losses=True
            )
            log_probs = jax.nn.log_softmax(logits)
            rows = jax.nn.one_hot(targets, num) * (1 - smoothing) + smoothing / num
            value = -(rows * log_probs).sum(1).mean() + sum(penalties)
            return value, (fixed, logits)

        def step(carry: Any, batch: Any) -> tuple[Any, Any]:
            trained, fixed, optimizer, losses = carry
            pixels, targets, where, rate = batch
            gradient = jax.value_and_grad(objective, has_aux=True)
            (_, (fixed, logits)), gradients = gradient(trained, fixed, pixels, targets)
            optimizer = [*optimizer[:rate_index], rate, *optimizer[rate_index + 1 :]]
            trained, optimizer = self._optimizer.stateless_apply(optimizer, gradients, trained)
            each = _cross_entropies(logits, targets)
            if self._recipe.hard_example_fraction < 1:
                losses = losses.at[where].set(each)
            return (trained, fixed, optimizer, losses), (each.sum(), _correct(logits, targets))

        carry, (losses, correct) = jax.lax.scan(step, variables, (images, labels, places, rates))
        return carry, losses, correct

    def _evaluate_steps(
        self, trained: Any, fixed: Any, images: Any, labels: Any
    ) -> tuple[Any, Any]:
        logits, _ = self._logits.stateless_call(trained, fixed, _scaled(images), training=False)
        return _cross_entropies(logits, labels).sum(), _correct(logits, labels)


def _scaled(images: Any) -> Any:
    """Pixels in [0, 1] with an axis for the channels; features as they are."""
    if images.dtype == jnp.float32:
        return images
    scaled = images.astype(jnp.float32)
    return (scaled[..., None] if images.ndim == 3 else scaled) / 255.0


def _cross_entropies(logits: Any, targets: Any) -> Any:
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[:, None].astype(int), 1)
    return -chosen[:, 0]


def _correct(logits: Any, targets: Any) -> Any:
    return (logits.argmax(1) == targets).sum()
