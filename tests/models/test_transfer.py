"""Transfer learning: head epochs, unfreezing, and resuming in each stage."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

import ankleboot
from ankleboot.core.errors import Interrupted, UsageError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.inference.decide import Prediction
from ankleboot.models import architectures, layers
from ankleboot.models.backbones import efficientnet_lite
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.files.keras_seal import read_seal
from ankleboot.models.layers import ComputePolicy
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import TRANSFER
from ankleboot.recipes.parse import override
from ankleboot.recipes.recipe import Recipe
from ankleboot.training import data_loader, trainer
from ankleboot.training.engines import base
from ankleboot.training.trainer import fit, resume_fit
from helpers.training import StopAt, weights

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


@pytest.fixture
def tiny_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the real backbone by one that is traced quickly."""

    def features(inputs: object, policy: ComputePolicy) -> object:
        x = keras.layers.Conv2D(4, 3, 2, activation="relu", name="stem")(inputs)
        return layers.batch_norm("stem_norm", policy)(x)

    def load_weights(model: keras.Model, path: str) -> None:
        kernel = np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 4)).astype(np.float32)
        model.get_layer("stem").set_weights([kernel, np.zeros(4, np.float32)])

    monkeypatch.setattr(efficientnet_lite, "LITE0", Backbone(features, load_weights))


@pytest.fixture(scope="module")
def colored() -> Dataset:
    """Three classes that differ in their color."""

    def part(num: int, seed: int) -> LabeledImages:
        generator = np.random.default_rng(seed)
        labels = np.arange(num, dtype=np.int64) % 3
        images = generator.integers(0, 120, (num, 32, 32, 3), dtype=np.uint8)
        images[np.arange(num), :, :, labels] += 120
        return LabeledImages(images, labels)

    hashes = {"train-colors": "0" * 64}
    return Dataset("colors", part(60, 0), part(15, 1), "made here", hashes, ("r", "g", "b"))


@pytest.mark.usefixtures("tiny_backbone")
def test_frozen_epochs_train_the_last_layer_alone(colored: Dataset, tmp_path: Path) -> None:
    fresh = architectures.build_model(SMALL, num_classes=3)
    run = fit(override(SMALL, {"epochs": "2"}), colored, tmp_path / "run")
    trained = keras.models.load_model(run.model_path)
    for layer in trained.layers:
        before = fresh.get_layer(layer.name).get_weights()
        same = [np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True)]
        assert all(same) == (layer.name != "logits" or not same), layer.name
    rates = [record.learning_rate for record in run.history()]
    assert rates == pytest.approx([SMALL.head_learning_rate] * 2)


@pytest.mark.usefixtures("tiny_backbone")
def test_features_are_what_the_whole_network_computes(colored: Dataset) -> None:
    engine = base.engine_class()(SMALL, 60, 3)
    frozen = base.engine_class()(SMALL, 60, 3, model=engine.model, frozen=True)
    images, labels = colored.train.images, colored.train.labels
    whole, cached = (
        engine.evaluate(images, labels),
        frozen.evaluate(frozen.features(images), labels),
    )
    assert cached.loss == pytest.approx(whole.loss, rel=1e-5) and cached.correct == whole.correct


@pytest.mark.usefixtures("tiny_backbone")
def test_frozen_stages_keep_weights_and_statistics(colored: Dataset, tmp_path: Path) -> None:
    """The maps of the tiny backbone have half the side of the image."""
    for stages, is_frozen in ((0, False), (1, True)):
        recipe = replace(SMALL, frozen_stages=stages, epochs=3, keep="last")
        fresh = architectures.build_model(recipe, num_classes=3)
        run = fit(recipe, colored, tmp_path / str(stages))
        trained = keras.models.load_model(run.model_path)
        for name in ("stem", "stem_norm"):
            pairs = zip(*(m.get_layer(name).get_weights() for m in (fresh, trained)), strict=True)
            assert all(np.array_equal(a, b) for a, b in pairs) == is_frozen, (stages, name)


def test_frozen_stages_are_the_layers_with_the_largest_maps() -> None:
    recipe = replace(TRANSFER, frozen_stages=3, image_size=96)
    model = architectures.build_model(recipe, num_classes=3)
    frozen = {layer.name for layer in model.layers if layer.weights and not layer.trainable}
    assert {"stem", "block4_project", "block5_expand"} <= frozen  # of 12 x 12 and larger
    assert not frozen & {"block5_depth", "block5_project", "head", "logits"}


@pytest.mark.usefixtures("tiny_backbone", "isolated_state_dir")
def test_a_trained_run_declines_what_resembles_none_of_its_images(
    colored: Dataset, tmp_path: Path
) -> None:
    """A cup of coffee was "shoes, 99.3 %" for a run on own classes."""
    recipe = override(SMALL, {"epochs": "2"})
    run = ankleboot.train(recipe, colored, tmp_path / "run")
    check = json.loads((run.folder / "ood_check.json").read_text())
    assert check["num_images"] == 60 and check["counts"] == [5, 5, 5]
    seal = read_seal(run.model_path)
    assert seal is not None and seal.ood_check == check  # wherever the file goes
    drawing = np.full((32, 32, 3), 255, np.uint8)
    drawing[8:24, 12:20] = 0
    *known, foreign = ankleboot.predict([*colored.test.images, drawing], run, abstain_below=0.0)
    passed = [each for each in known if isinstance(each, Prediction) and each.cause is None]
    assert len(passed) > 7  # of 15, some with a wrong label
    assert isinstance(foreign, Prediction) and foreign.cause == "unfamiliar"
    assert foreign.similarity is not None and foreign.similarity < check["threshold"]


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_backbone")
def test_a_run_stopped_in_any_stage_ends_with_the_same_bits(
    colored: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "CALL_DURATION_S", 0.0)  # one step per call: stop at any step
    unbroken = fit(SMALL, colored, tmp_path / "unbroken")
    assert len(unbroken.history()) == 4
    folder = tmp_path / "broken"
    with pytest.raises(Interrupted):  # in a frozen epoch
        fit(SMALL, colored, folder, [StopAt(1, 3)])
    last = data_loader.num_steps(SMALL, 48, 2)
    with pytest.raises(Interrupted):  # in the last step before unfreezing
        resume_fit(folder, colored, [StopAt(2, last)])
    killed = tmp_path / "killed"
    shutil.copytree(folder, killed)
    with pytest.raises(Interrupted):
        resume_fit(folder, colored, [StopAt(3, 2)])
    finished = resume_fit(folder, colored)
    assert weights(finished) == weights(unbroken)
    assert weights(resume_fit(killed, colored)) == weights(unbroken)


@pytest.mark.usefixtures("tiny_backbone")
def test_a_run_killed_when_unfreezing_continues(
    colored: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint of the last frozen epoch is there, nothing of the next one."""

    class Killed(Exception):
        pass

    def die(session: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "_unfreeze", die)
        with pytest.raises(Killed):
            fit(SMALL, colored, tmp_path / "run")
    assert len(Run(tmp_path / "run").history()) == 2
    assert len(resume_fit(tmp_path / "run", colored).history()) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head_epochs": 9}, "at most epochs=4"),
        (
            {"architecture": "cnn"},
            "head_epochs has no effect with architecture=cnn",
        ),
        ({"crop": "garment", "image_size": 28, "color": False}, "none"),
        (
            {"hard_example_fraction": 0.5},
            "hard_example_fraction has no effect with architecture=transfer",
        ),
    ],
)
def test_impossible_recipes_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe(**(SMALL.to_json() | changes))


@pytest.mark.usefixtures("tiny_backbone")
def test_head_epochs_use_their_own_learning_rate(colored: Dataset, tmp_path: Path) -> None:
    recipe = override(SMALL, {"epochs": "1", "head_epochs": "1", "head_learning_rate": "0.5"})
    assert fit(recipe, colored, tmp_path / "run").history()[0].learning_rate == 0.5
