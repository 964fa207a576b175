"""Backbones of keras.applications against their own preprocessing and features."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError
from ankleboot.models import architectures
from ankleboot.models.backbones import keras_applications
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.catalog import TRANSFER
from ankleboot.training.engines import base

SMALL = replace(
    TRANSFER,
    name="small",
    image_size=32,
    max_shift=2,
    batch_size=10,
    head_epochs=2,
    epochs=4,
    learning_rate=1e-4,
)


@pytest.mark.parametrize(
    ("kind", "peer"),
    [
        ("signed", keras.applications.resnet_v2.preprocess_input),
        ("caffe", keras.applications.vgg16.preprocess_input),
    ],
)
def test_pixels_are_scaled_as_the_weights_expect(kind: str, peer: object) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3)).astype(np.float32)
    inputs = keras.Input((5, 5, 3))
    model = keras.Model(inputs, keras_applications._scaled(inputs, kind))
    assert callable(peer)
    np.testing.assert_allclose(np.asarray(model(pixels / 255)), peer(pixels.copy()), atol=1e-3)


@pytest.mark.slow
def test_weights_come_from_a_file(tmp_path: Path) -> None:
    source = keras.applications.MobileNetV3Large(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    source.save_weights(tmp_path / "a.weights.h5")
    recipe = replace(SMALL, backbone="mobilenet_v3_large", weights=str(tmp_path / "a.weights.h5"))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    ours = base.feature_extractor(architectures.build_model(recipe))(pixels / 255)
    expected = np.asarray(source(pixels)).mean(axis=(1, 2))
    np.testing.assert_allclose(np.asarray(ours), expected, atol=1e-5)
    (tmp_path / "b.weights.h5").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="no weights of mobilenet_v3_large"):
        architectures.build_model(replace(recipe, weights=str(tmp_path / "b.weights.h5")))


def test_a_failed_download_names_the_option_for_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError("URL fetch failure")

    monkeypatch.setattr(keras.applications, "MobileNetV3Large", fail)
    with pytest.raises(EnvironmentFailure, match="name a file of them with --set weights=PATH"):
        keras_applications.load_weights("mobilenet_v3_large", keras.Sequential(), "")
    with pytest.raises(UsageError, match="precision=float32"):
        keras_applications.features("vgg16", keras.Input((32, 32, 3)), ComputePolicy("bfloat16"))
