"""Keras network of an ensemble: all members, and the logarithm of their mean as logits."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.inference.ensemble import EnsemblePredictor
from ankleboot.inference.load import resolve_model


class LogSum(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Logarithm of a sum of probabilities; a softmax behind it gives their mean.

    Without ADD and MEAN, which int8 formats compute in steps of 1/256.
    """

    def call(self, probs: Sequence[Any]) -> Any:
        total = keras.ops.sum(keras.ops.stack(probs, axis=-1), axis=-1)
        return keras.ops.log(keras.ops.maximum(total, np.finfo(np.float32).tiny))


def reference_of(ensemble: EnsemblePredictor) -> EnsemblePredictor:
    """Return the ensemble with its members as they were trained, on Keras."""
    references = [resolve_model(member.reference) for member in ensemble.members]
    return ensemble.with_members(references)


def network_of(ensemble: EnsemblePredictor) -> keras.Model:
    """Return a network from inputs to logits that gives the probabilities of the ensemble.

    Raises:
        ModelError: If a member has no Keras network, or one without logits.
    """
    inputs = keras.Input(ensemble.members[0].network.inputs[0].shape[1:], name="inputs")
    probs = []
    for number, member in enumerate(ensemble.members, 1):
        if "logits" not in [layer.name for layer in member.network.layers]:
            raise ModelError(
                f'{member.name} has no layer "logits"; export takes models of Ankleboot'
            )
        logits = member.network.get_layer("logits").output
        branch = keras.Model(member.network.inputs, logits, name=f"member{number}")
        x = branch(inputs, training=False)
        temperature = member.predictor.info.temperature
        x = keras.layers.Rescaling(1 / temperature, name=f"temperature{number}")(x)
        probs.append(keras.layers.Softmax(name=f"probs{number}")(x))
    return keras.Model(inputs, LogSum(name="logits")(probs), name="ensemble")
