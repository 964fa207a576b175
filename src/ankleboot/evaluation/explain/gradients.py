"""Explanations by gradients of a class's logit by the pixels."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.types import Images, Labels, Maps, batch_size_for, to_inputs

STEPS = 32  # of the way from black to the image
SAMPLES, NOISE = 24, 0.12  # noisy copies, and the standard deviation of their noise
BATCH_SIZE = 256  # inputs


def logits_of(model: Any) -> Any:
    """The layer that explanations begin at.

    Raises:
        ModelError: If the model is not built like those of Ankleboot.
        UsageError: If Keras runs on another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise UsageError("explanations need Keras on TensorFlow: unset ANKLEBOOT_BACKEND")
    if "logits" not in [layer.name for layer in model.layers]:
        raise ModelError('the network has no layer "logits", as those of Ankleboot have')
    return model.get_layer("logits")


def class_gradients(model: Any, start: Any, values: np.ndarray, classes: Labels) -> np.ndarray:
    """Gradients of the classes' logits by the values of an inner (or the input) tensor.

    Args:
        model: A network whose last layers are called "logits" and "probs".
        start: The symbolic tensor in it.
        values: What that tensor is, for each image.
        classes: One for each image.
    """
    rest = keras.Model(start, logits_of(model).output)
    found = []
    size = batch_size_for(BATCH_SIZE, tuple(model.inputs[0].shape[1:]))
    for first in range(0, len(values), size):
        part = tf.constant(values[first : first + size])
        chosen = tf.one_hot(classes[first : first + size], rest.output_shape[-1])
        with tf.GradientTape() as tape:
            tape.watch(part)
            scores = tf.reduce_sum(rest(part, training=False) * chosen)
        found.append(tape.gradient(scores, part).numpy())
    return np.concatenate(found) if found else np.zeros_like(values)


def integrated_gradients(
    model: Any, images: Images, classes: Labels, *, steps: int = STEPS
) -> Maps:
    """Gradients averaged on the way from a black image, times the pixels.

    The map sums up to the logit's difference from black, but for the error of the steps.

    Source: Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365
    """
    inputs = to_inputs(images)
    total = np.zeros_like(inputs)
    for step in range(steps):  # midpoints: a quarter of the endpoints' error
        share = np.float32((step + 0.5) / steps)
        total += class_gradients(model, model.inputs[0], inputs * share, classes)
    maps: np.ndarray = (inputs * total / steps).sum(axis=-1)  # over the colors
    return maps


def smooth_grad(
    model: Any, images: Images, classes: Labels, *, samples: int = SAMPLES, seed: int = 0
) -> Maps:
    """Gradients averaged over noisy copies of the image.

    Source: Smilkov et al. 2017, https://arxiv.org/abs/1706.03825
    """
    inputs = to_inputs(images)
    generator = np.random.default_rng(seed)
    total = np.zeros_like(inputs)
    for _ in range(samples):
        noisy = inputs + generator.normal(0, NOISE, inputs.shape).astype(np.float32)
        total += class_gradients(model, model.inputs[0], noisy, classes)
    maps: np.ndarray = (total / samples).sum(axis=-1)  # over the colors
    return maps
