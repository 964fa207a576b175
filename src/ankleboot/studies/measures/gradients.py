"""How training begins: the size of the gradients, and how large a learning rate may be."""

import math
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot.core.types import Images, Labels, to_inputs
from ankleboot.data.dataset import Dataset
from ankleboot.models import architectures
from ankleboot.recipes.recipe import Recipe
from ankleboot.studies.measures.trained_run import TrainedRun
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Chunk, RunningMetrics

NUM_IMAGES = 1_000  # validation images whose mean loss is differentiated
MAX_RATE_LOG2, MIN_RATE_LOG2 = 4, -26  # powers of two between which the largest stable rate is looked for
NUM_STEPS, NUM_LAST_STEPS = 60, 20  # of plain gradient descent; the loss is judged over the last ones
MAX_LOSS_RATIO = 0.8  # of the loss of guessing: more has learned nothing, or lost it again
TARGET_ACCURACY = 0.85


def measure_gradients(trained: TrainedRun) -> dict[str, Any]:
    """Norms of the loss's gradient by the kernels, before the first step."""
    part = trained.part
    model = architectures.build_model(trained.recipe, num_classes=len(trained.data.class_names))
    norms = gradient_norms(model, part.images[:NUM_IMAGES], part.labels[:NUM_IMAGES])
    layers = list(norms)
    return {
        "gradient_norms": [[name, norm] for name, norm in norms.items()],
        "first_gradient": norms[layers[0]],
        "last_gradient": norms[layers[-1]],
    }


def gradient_norms(model: keras.Model, images: Images, labels: Labels) -> dict[str, float]:
    """By layer, the norm of the mean cross-entropy's gradient by its kernel."""
    logits = keras.Model(model.inputs[0], model.get_layer("logits").output)
    layers = [one for one in model.layers if getattr(one, "kernel", None) is not None]
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels.astype(np.int32), logits(to_inputs(images), training=True)
        )
        loss = tf.reduce_mean(losses)
    found = tape.gradient(loss, [one.kernel.value for one in layers])
    return {one.name: float(tf.norm(gradient)) for one, gradient in zip(layers, found, strict=True)}


def measure_stable_rate(trained: TrainedRun) -> dict[str, Any]:
    """The largest power of two that plain gradient descent can take for a learning rate."""
    rate = largest_stable_rate(trained.recipe, trained.data)
    return {"stable_rate": rate, "stable_rate_log2": None if rate is None else math.log2(rate)}


def largest_stable_rate(recipe: Recipe, data: Dataset) -> float | None:
    """Try the powers of two from the largest down until one learns; None if none does.

    A rate is stable if after `STEPS` steps the loss is finite and below 0.8 of that of guessing.
    """
    plain = replace(
        recipe, optimizer="sgd", momentum=0.0, precision="float32", hard_example_fraction=1.0
    )
    places = np.random.default_rng(recipe.seed).permutation(data.split(recipe.split_rule).train)
    places = np.resize(places, NUM_STEPS * recipe.batch_size)
    engine = base.create_engine(plain, 1, len(data.class_names))
    start = engine.state()
    for power in range(MAX_RATE_LOG2, MIN_RATE_LOG2 - 1, -1):
        engine.restore(start)
        rates = np.full(NUM_STEPS, 2.0**power, np.float32)
        chunk = engine.to_device(
            Chunk(
                data.train.images[places],
                data.train.labels[places],
                np.arange(len(places), dtype=np.int32),
                rates,
            )
        )
        if not engine.train(chunk, 0, NUM_STEPS - NUM_LAST_STEPS, RunningMetrics()).is_finite:
            continue
        end = engine.train(chunk, NUM_STEPS - NUM_LAST_STEPS, NUM_STEPS, RunningMetrics())
        if end.is_finite and end.mean_loss < MAX_LOSS_RATIO * math.log(len(data.class_names)):
            return 2.0**power
    return None


def measure_epochs_to_target(trained: TrainedRun) -> dict[str, Any]:
    """Epochs until 85 % of the validation images are right, interpolated between epochs' ends.

    A run that never gets there counts with all its epochs, so that means are restricted ones, as
    in the analysis of survival: leaving such runs out would flatter what learns slowest.
    """
    accuracies = [record.validation_accuracy for record in trained.history]
    guessing = 1 / len(trained.data.class_names)
    reached = interpolated_epochs(accuracies, TARGET_ACCURACY, start=guessing)
    return {
        "epochs_to_85": float(len(accuracies)) if reached is None else reached,
        "reached_85": reached is not None,
    }


def interpolated_epochs(accuracies: list[float], target: float, *, start: float) -> float | None:
    """Where the accuracy first crosses the target; None if it never does."""
    before = start
    for epoch, accuracy in enumerate(accuracies):
        if accuracy >= target:
            return epoch + (target - before) / (accuracy - before) if before < target else epoch
        before = accuracy
    return None
