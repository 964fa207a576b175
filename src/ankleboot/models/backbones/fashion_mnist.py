"""Backbone of the convolutions of the shipped model, which was trained on Fashion-MNIST.

It takes garments as in Fashion-MNIST: cut out, gray, 28 x 28 pixels (`crop=garment`).
"""

from pathlib import Path
from typing import Any

import keras

from ankleboot.core.errors import EnvironmentFailure, ModelError, first_line, is_system_fault
from ankleboot.models import cnn, layers
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.layers import ComputePolicy
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.catalog import POCKET


def features(inputs: Any, policy: ComputePolicy) -> Any:
    """Apply the convolutions to gray pixels (n, 28, 28, 1)."""
    return cnn.convolutions(inputs, POCKET, policy, layers.seed_stream(POCKET))


def load_weights(model: keras.Model, path: str) -> None:
    """Load the weights from a `.keras` file of the recipe `pocket`; see `Backbone`."""
    file = Path(path) if path else catalog.FOLDER / "model.keras"
    try:
        source = keras.models.load_model(file, compile=False)
        for layer in source.layers:
            if layer.weights and layer.name != "logits":
                model.get_layer(layer.name).set_weights(layer.get_weights())
    except Exception as error:  # of zipfile, h5py and Keras: many types
        if is_system_fault(error):
            raise EnvironmentFailure(f"cannot read {file}: {first_line(error)}") from error
        raise ModelError(f"{file}: no weights of the recipe pocket") from error


FASHION_MNIST = Backbone(features, load_weights, gray=True)
