"""Our own: the convolutions of the shipped model, which has seen Fashion-MNIST alone.

For garments as it knows them: cut out, grey, 28 x 28 pixels (`crop=garment`).
"""

from pathlib import Path
from typing import Any

import keras

from ankleboot.core.errors import ModelError
from ankleboot.models import cnn, layers
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.layers import ComputePolicy
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.catalog import POCKET


def features(inputs: Any, arithmetic: ComputePolicy) -> Any:
    """See `Backbone.features`; the pixels (n, 28, 28, 1) are grey."""
    return cnn.convolutions(inputs, POCKET, arithmetic, layers.seed_stream(POCKET))


def load_weights(model: keras.Model, path: str) -> None:
    """See `Backbone.load_weights`; the file is a `.keras` one of the recipe `pocket`.

    Raises:
        ModelError: If it is something else.
    """
    file = Path(path) if path else catalog.FOLDER / "model.keras"
    try:
        source = keras.models.load_model(file, compile=False)
        names = {layer.name for layer in source.layers if layer.weights} - {"logits"}
        for name in names:
            model.get_layer(name).set_weights(source.get_layer(name).get_weights())
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: no weights of the recipe pocket") from error


FASHION_MNIST = Backbone(features, load_weights, grey=True)
