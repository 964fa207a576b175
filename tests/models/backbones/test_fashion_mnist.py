"""Backbone of the shipped model against the shipped model."""

from dataclasses import replace

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
    shipped = keras.models.load_model(catalog.FOLDER / "model.keras")
    before = keras.Model(shipped.inputs[0], shipped.get_layer("flatten").output)
    image = load_data("sample").test.images[:2, ..., None].astype(np.float32) / 255
    ours = np.asarray(base.feature_extractor(model)(image))
    np.testing.assert_allclose(ours, np.asarray(before(image)), atol=1e-5)
    with pytest.raises(ModelError, match="no weights of the recipe pocket"):
        architectures.build_model(replace(TINY, weights=str(catalog.SEGMENTATION)))
