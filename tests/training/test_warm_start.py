"""Start from the weights of another run."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.fingerprints import fingerprints
from ankleboot.inference.load import load_predictor
from ankleboot.models.architectures import build_model
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import get_recipe
from ankleboot.recipes.parse import override
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.trainer import fit, resume_fit
from ankleboot.training.warm_start import describe_parent, load_parent
from helpers.images import TINY

RENAMED = (*CLASS_NAMES[:9], "Slipper")


class Messages(TrainingCallback):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_message(self, message: str) -> None:
        self.lines.append(message)


def test_more_epochs_continue_where_the_parent_ended(
    bar_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    """Case 30: a finished run was refused, and `weights` silently ignored."""
    messages = Messages()
    recipe = replace(TINY, epochs=1, seed=5)
    child = fit(recipe, bar_data, tmp_path / "child", [messages], parent=bar_run)
    (first,) = child.history()
    assert first.validation_loss < bar_run.history()[0].validation_loss
    assert messages.lines[-1] == f"weights of {bar_run.folder.resolve()}: 3 layers taken"
    parent = child.manifest()["parent"]
    assert parent["run"] == str(bar_run.folder.resolve())
    assert parent["model_sha256"] == bar_run.result()["model_sha256"]


def test_a_run_that_was_killed_at_once_takes_the_weights_again(
    bar_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    recipe = replace(TINY, epochs=1)
    whole = fit(recipe, bar_data, tmp_path / "whole", parent=bar_run)
    killed = Run(tmp_path / "killed")
    killed.folder.mkdir()
    killed.start(recipe, whole.manifest())
    resumed = resume_fit(killed.folder, bar_data)
    assert resumed.result()["weights_sha256"] == whole.result()["weights_sha256"]


def test_all_weights_are_those_of_the_parent(bar_run: Run, bar_data: Dataset) -> None:
    model = build_model(replace(TINY, seed=9))
    load_parent(model, describe_parent(bar_run, TINY, bar_data), CLASS_NAMES)
    expected = load_predictor(bar_run.folder).model.get_weights()  # type: ignore[attr-defined]
    for got, weights in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(got, weights)


def test_the_columns_of_the_last_layer_follow_their_classes(
    bar_run: Run, bar_data: Dataset
) -> None:
    model, images = build_model(TINY), bar_data.test.images[:20]
    load_parent(model, describe_parent(bar_run, TINY, bar_data), CLASS_NAMES[::-1])
    inputs = images[..., None].astype(np.float32) / 255
    expected = load_predictor(bar_run.folder).predict(images)
    np.testing.assert_allclose(np.asarray(model(inputs))[:, ::-1], expected, atol=1e-5)


def test_other_classes_have_a_new_last_layer(bar_run: Run, bar_data: Dataset) -> None:
    for names in (RENAMED, (*CLASS_NAMES, "Hat")):
        model = build_model(replace(TINY, seed=9), num_classes=len(names))
        before = model.get_layer("logits").get_weights()[0]
        line = load_parent(model, describe_parent(bar_run, TINY, bar_data), names)
        assert "2 layers taken, new are logits, as the classes are others" in line
        np.testing.assert_array_equal(model.get_layer("logits").get_weights()[0], before)


def test_what_cannot_be_continued_is_refused(
    bar_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    mlp = override(TINY, {"architecture": "mlp"})
    with pytest.raises(UsageError, match="architecture=cnn, the recipe's is mlp"):
        fit(mlp, bar_data, tmp_path / "a", parent=bar_run)
    stratified = replace(TINY, split="stratified")
    with pytest.raises(UsageError, match="keep its split: --set split=last --set validation_fr"):
        fit(stratified, bar_data, tmp_path / "b", parent=bar_run)
    folded = replace(TINY, folds=5)
    with pytest.raises(UsageError, match=r"validation_fraction=0\.2, and leave folds out"):
        fit(folded, bar_data, tmp_path / "b", parent=bar_run)
    wider = replace(TINY, filters=6, dense_units=20, kernel_size=5)
    with pytest.raises(ModelError, match="none of its layers fits"):
        load_parent(
            build_model(wider, num_classes=3), describe_parent(bar_run, TINY, bar_data), RENAMED[:3]
        )
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()


def test_validation_images_that_the_parent_learned_are_counted(
    bar_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    """A folder that has grown is split anew, and some of its images change sides."""
    parent = Run(Path(shutil.copytree(bar_run.folder, tmp_path / "parent")))
    train = bar_data.train
    parent.write_known_images(fingerprints(train.images, np.arange(512)))
    order = np.random.default_rng(0).permutation(640)
    grown = replace(
        bar_data,
        train=LabeledImages(train.images[order], train.labels[order]),
        sha256={"train-bars": "3" * 64},
    )
    entry = describe_parent(parent, TINY, grown)
    assert entry["known_validation_images"] == int((order[512:] < 512).sum()) > 50
    line = load_parent(build_model(TINY), entry, CLASS_NAMES)
    assert "validation images are known to it, so their accuracy flatters" in line


def test_the_command_refuses_what_has_no_say(
    bar_run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = str(bar_run.folder)
    for arguments, message in (
        (["--from", folder, "--set", "weights=w.keras"], "weights has no effect with --from"),
        (["--from", folder, "--resume", folder], "--from starts a new one; leave one out"),
        (["plain", "--from", str(tmp_path)], "not a run folder"),
        (["--from", folder], "bars"),  # the data of its manifest, which are no data set by name
    ):
        assert ankleboot(["train", *arguments]) in (2, 4), arguments
        assert message in capfd.readouterr().err


def test_the_command_names_what_follows_the_epochs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It answered "frozen_epochs: expected at most epochs=1", a field of another name."""
    recipe = get_recipe("transfer", epochs=1)
    assert (recipe.epochs, recipe.head_epochs) == (1, 1)
    assert override(recipe, {"epochs": 13, "head_epochs": 5}).head_epochs == 5
    missing = str(tmp_path / "no")
    assert ankleboot(["train", "transfer", "--set", "epochs=3", "--data", missing]) == 2
    err = capfd.readouterr().err
    assert "head_epochs=1, in proportion to epochs=3" in err and "no such" in err
    assert ankleboot(["train", "tiny", "--set", "epochs=3", "--set", "head_epochs=4"]) == 2
    assert "head_epochs: expected at most epochs=3, got 4; set fewer" in capfd.readouterr().err
