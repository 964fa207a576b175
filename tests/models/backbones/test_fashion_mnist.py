"""Backbone of the shipped model against the shipped model."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.data.load import load_data
from ankleboot.models import architectures
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.catalog import TINY
from ankleboot.training.engines import base


def test_the_backbone_computes_the_features_of_the_shipped_model() -> None:
    model = architectures.build_model(TINY)
    shipped = keras.models.load_model(catalog.FOLDERS[catalog.POCKET] / "model.keras")
    before = keras.Model(shipped.inputs[0], shipped.get_layer("flatten").output)
    image = load_data("sample").test.images[:2, ..., None].astype(np.float32) / 255
    ours = np.asarray(base.feature_extractor(model)(image))
    np.testing.assert_allclose(ours, np.asarray(before(image)), atol=1e-5)


def test_weights_of_another_network_or_kind_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.keras"
    inputs = keras.Input((28, 28, 1))
    outputs = keras.layers.Dense(10, name="dense")(keras.layers.Flatten()(inputs))
    keras.Model(inputs, outputs).save(other)
    with pytest.raises(ModelError, match=r"other\.keras: no weights of the recipe pocket"):
        architectures.build_model(replace(TINY, weights=str(other)))
    with pytest.raises(ModelError, match="which no image classifier of Keras has"):
        architectures.build_model(replace(TINY, weights=str(catalog.SEGMENTATION)))
