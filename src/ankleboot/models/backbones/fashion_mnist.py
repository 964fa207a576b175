"""Backbone of the convolutions of the shipped model "pocket", which learned Fashion-MNIST.

It takes garments as in Fashion-MNIST: cut out, gray, 28 x 28 pixels (`crop=garment`).
"""

from pathlib import Path
from typing import Any

import keras

from ankleboot.core.boundary import library_errors
from ankleboot.core.errors import ModelError
from ankleboot.models import cnn, layers
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.files.keras_file import load_network
from ankleboot.models.foreign.scan import scan
from ankleboot.models.layers import ComputePolicy
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.catalog import POCKET


def features(inputs: Any, policy: ComputePolicy) -> Any:
    """Apply the convolutions to gray pixels (n, 28, 28, 1)."""
    return cnn.convolutions(inputs, POCKET, policy, layers.seed_stream(POCKET))


def load_weights(model: keras.Model, path: str) -> None:
    """Load the weights from a `.keras` file of the recipe `pocket`; see `Backbone`."""
    file = Path(path) if path else catalog.FOLDERS[catalog.POCKET] / "model.keras"
    if path:
        scan(file, "keras")
    source = load_network(file)
    with library_errors(lambda _: ModelError(f"{file}: no weights of the recipe pocket")):
        for layer in source.layers:
            if layer.weights and layer.name != "logits":
                model.get_layer(layer.name).set_weights(layer.get_weights())


FASHION_MNIST = Backbone(features, load_weights, gray=True)
