"""Start of training: gradient norms, largest stable learning rate, epochs to a target."""

import itertools
import math
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot.core.types import Images, Labels, to_inputs
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.models import architectures
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.measures.trained_run import TrainedRun, part_of
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Chunk, RunningMetrics

NUM_IMAGES = 1_000  # validation images whose mean loss is differentiated
MAX_RATE_LOG2, MIN_RATE_LOG2 = 4, -26  # range of the search, powers of two
NUM_STEPS, NUM_LAST_STEPS = 60, 20  # of gradient descent; the last ones give the loss
MAX_LOSS_RATIO = 0.8  # of the loss of guessing
TARGET_ACCURACY = 0.85


def measure_gradients(trained: TrainedRun) -> dict[str, Any]:
    """Measure gradient norms of the kernels before the first step."""
    part = trained.validation
    model = architectures.build_model(trained.recipe, num_classes=len(trained.data.class_names))
    norms = gradient_norms(model, part.images[:NUM_IMAGES], part.labels[:NUM_IMAGES])
    values = list(norms.values())
    return {
        "gradient_norms": [[name, norm] for name, norm in norms.items()],
        "first_gradient": values[0],
        "last_gradient": values[-1],
    }


def gradient_norms(model: keras.Model, images: Images, labels: Labels) -> dict[str, float]:
    """Return the gradient norm of the mean cross-entropy for every kernel, by layer."""
    logits = part_of(model, "logits")
    layers = [layer for layer in model.layers if getattr(layer, "kernel", None) is not None]
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels.astype(np.int32), logits(to_inputs(images), training=True)
        )
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, [layer.kernel.value for layer in layers])
    norms = [float(tf.norm(gradient)) for gradient in gradients]
    return dict(zip((layer.name for layer in layers), norms, strict=True))


def measure_stable_rate(trained: TrainedRun) -> dict[str, Any]:
    """Measure the largest stable learning rate of gradient descent as a power of two."""
    rate = largest_stable_rate(trained.recipe, trained.data)
    return {"stable_rate": rate, "stable_rate_log2": None if rate is None else math.log2(rate)}


def largest_stable_rate(recipe: Recipe, data: Dataset) -> float | None:
    """Return the largest power of two at which gradient descent learns; None if none does.

    A rate is stable if after `NUM_STEPS` the loss is finite and below 0.8 of that of guessing.
    """
    plain = replace(
        recipe, optimizer="sgd", momentum=0.0, precision="float32", hard_example_fraction=1.0
    )
    indices = np.random.default_rng(recipe.seed).permutation(data.split(recipe.split_rule).train)
    indices = np.resize(indices, NUM_STEPS * recipe.batch_size)
    part = LabeledImages(data.train.images[indices], data.train.labels[indices])
    engine = base.engine_class()(plain, 1, len(data.class_names))
    start = engine.state()
    for power in range(MAX_RATE_LOG2, MIN_RATE_LOG2 - 1, -1):
        engine.restore(start)
        rates = np.full(NUM_STEPS, 2.0**power, np.float32)
        rows = np.arange(len(indices), dtype=np.int32)
        chunk = engine.to_device(Chunk(part.images, part.labels, rows, rates))
        if not engine.train(chunk, 0, NUM_STEPS - NUM_LAST_STEPS, RunningMetrics()).is_finite:
            continue
        end = engine.train(chunk, NUM_STEPS - NUM_LAST_STEPS, NUM_STEPS, RunningMetrics())
        if end.is_finite and end.mean_loss < MAX_LOSS_RATIO * math.log(len(data.class_names)):
            return 2.0**power
    return None


def measure_epochs_to_target(trained: TrainedRun) -> dict[str, Any]:
    """Measure the epochs until the validation accuracy is 85 %, interpolated.

    A run that never reaches it counts with all its epochs (a restricted mean, as in survival
    analysis): without such runs the slowest variant would look better.
    """
    accuracies = [record.validation_accuracy for record in trained.history]
    guessing = 1 / len(trained.data.class_names)
    reached = interpolated_epochs(accuracies, TARGET_ACCURACY, start=guessing)
    return {
        "epochs_to_85": float(len(accuracies)) if reached is None else reached,
        "reached_85": reached is not None,
    }


def interpolated_epochs(accuracies: list[float], target: float, *, start: float) -> float | None:
    """Return the epoch at which the accuracy first crosses the target; None if never."""
    for epoch, (before, accuracy) in enumerate(itertools.pairwise([start, *accuracies])):
        if accuracy >= target:
            return epoch + (target - before) / (accuracy - before) if before < target else epoch
    return None
