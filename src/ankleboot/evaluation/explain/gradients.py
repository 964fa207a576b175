"""Explanations by the gradients of a class's logit by the pixels."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.progress import counting
from ankleboot.core.types import Images, Labels, Maps, batch_size_for, to_inputs
from ankleboot.evaluation.explain.occlusion import COARSE_SIDE

NUM_STEPS = 32  # from black to the image
NUM_COARSE_STEPS = 16  # for images above COARSE_SIDE pixels
NUM_SAMPLES, NOISE_STD, NOISE_SEED = 24, 0.12, 0  # noisy copies of an image
BATCH_SIZE = 256  # inputs


def logits_of(model: Any) -> Any:
    """Return the layer "logits".

    Raises:
        ModelError: If the model has no such layer.
        UsageError: If Keras runs on another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise UsageError("explanations need Keras on TensorFlow: unset ANKLEBOOT_BACKEND")
    if "logits" not in [layer.name for layer in model.layers]:
        raise ModelError('the network has no layer "logits", which networks of Ankleboot have')
    return model.get_layer("logits")


def class_gradients(model: Any, start: Any, values: np.ndarray, classes: Labels) -> np.ndarray:
    """Compute the gradients of the classes' logits by a symbolic tensor with these values."""
    rest = keras.Model(start, logits_of(model).output)
    gradients = []
    size = batch_size_for(BATCH_SIZE, tuple(model.inputs[0].shape[1:]))
    for first in range(0, len(values), size):
        batch = tf.constant(values[first : first + size])
        is_class = tf.one_hot(classes[first : first + size], rest.output_shape[-1])
        with tf.GradientTape() as tape:
            tape.watch(batch)
            scores = tf.reduce_sum(rest(batch, training=False) * is_class)
        gradients.append(tape.gradient(scores, batch).numpy())
    return np.concatenate(gradients) if gradients else np.zeros_like(values)


def integrated_gradients(
    model: Any, images: Images, classes: Labels, *, steps: int | None = None
) -> Maps:
    """Average the gradients on the path from a black image, and multiply them by the pixels.

    The sum of a map approximates the difference of the logit from that of a black image; more
    steps reduce the error.

    Source: Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365
    """
    inputs = to_inputs(images)
    if steps is None:
        steps = NUM_STEPS if images.shape[1] <= COARSE_SIDE else NUM_COARSE_STEPS
    total = np.zeros_like(inputs)
    shares = (np.arange(steps, dtype=np.float32) + np.float32(0.5)) / np.float32(steps)
    # midpoints, which have a quarter of the endpoints' error
    size = max(1, batch_size_for(BATCH_SIZE, images.shape[1:]) // max(1, len(images)))
    with counting("steps", steps) as report:
        for start in range(0, steps, size):  # several at once, since many small calls are slow
            report(start)
            chosen = shares[start : start + size]
            points = np.concatenate([inputs * share for share in chosen])
            repeated = np.tile(classes, len(chosen))
            gradients = class_gradients(model, model.inputs[0], points, repeated)
            total += gradients.reshape(len(chosen), *inputs.shape).sum(axis=0)
    return np.asarray((inputs * total / steps).sum(axis=-1))  # over the colors


def smooth_grad(model: Any, images: Images, classes: Labels) -> Maps:
    """Average the gradients over noisy copies of the image.

    Source: Smilkov et al. 2017, https://arxiv.org/abs/1706.03825
    """
    inputs = to_inputs(images)
    rng = np.random.default_rng(NOISE_SEED)
    total = np.zeros_like(inputs)
    size = max(1, batch_size_for(BATCH_SIZE, images.shape[1:]) // max(1, len(images)))
    for start in range(0, NUM_SAMPLES, size):  # several at once, since many small calls are slow
        num = min(size, NUM_SAMPLES - start)
        noise = rng.normal(0, NOISE_STD, (num, *inputs.shape)).astype(np.float32)
        noisy = (inputs + noise).reshape(-1, *inputs.shape[1:])
        gradients = class_gradients(model, model.inputs[0], noisy, np.tile(classes, num))
        total += gradients.reshape(noise.shape).sum(axis=0)
    return np.asarray((total / NUM_SAMPLES).sum(axis=-1))  # over the colors
