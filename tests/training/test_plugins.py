"""Architectures, optimizers, schedules and augmentations from a module outside the package."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.core import plugins
from ankleboot.core.errors import ModelError
from ankleboot.data.dataset import Dataset
from ankleboot.models.run import Run
from ankleboot.training.train import resume
from ankleboot.training.trainer import fit, resume_fit
from helpers.images import TINY

MODULE = """
import keras
import numpy as np

imported = True


def build(recipe, policy, num_classes):
    inputs = keras.Input((28, 28, 1), name="inputs")
    x = keras.layers.Flatten(dtype=policy.dtype_policy)(inputs)
    x = keras.layers.Dense(
        recipe.model_options["units"],
        kernel_initializer=keras.initializers.GlorotUniform(seed=recipe.seed),
        name="hidden",
        dtype=policy.dtype_policy,
    )(x)
    logits = keras.layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.GlorotUniform(seed=recipe.seed),
        name="logits",
        dtype="float32",
    )(x)
    return keras.Model(inputs, keras.layers.Softmax(name="probs", dtype="float32")(logits))


def optimizer(recipe):
    return keras.optimizers.SGD(momentum=0.5)


def schedule(recipe, num_steps):
    return np.linspace(recipe.learning_rate, 0.25, num_steps, dtype=np.float32)


def black(images, labels, rng):
    assert len(images) == len(labels)
    return np.zeros_like(images)
"""

PLUGINS = {
    "architecture": "build",
    "optimizer": "optimizer",
    "schedule": "schedule",
    "augmentation": "black",
}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a module on the path that holds one plugin of each kind."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/foreign_nets.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delitem(sys.modules, "foreign_nets", raising=False)
    return "foreign_nets"


def test_a_run_trains_the_plugins_of_its_recipe(
    module: str, bar_data: Dataset, tmp_path: Path
) -> None:
    names: dict[str, Any] = {field: f"{module}:{name}" for field, name in PLUGINS.items()}
    changes: dict[str, Any] = {
        "blocks": 2,
        "filters": 32,
        "dense_units": 128,
        "model_options": {"units": 7},
    }
    recipe = replace(TINY, epochs=1, **changes, **names)
    run = fit(recipe, bar_data, tmp_path / "run")
    result = run.result()
    assert result["parameters"] == 784 * 7 + 7 + 7 * 10 + 10
    assert run.history()[-1].learning_rate == pytest.approx(0.25)
    # black images give the hidden layer no gradient: only biases can have changed
    import keras

    kernel = keras.models.load_model(run.model_path).get_layer("hidden").get_weights()[0]
    initial = keras.initializers.GlorotUniform(seed=recipe.seed)((784, 7))
    np.testing.assert_array_equal(kernel, np.asarray(initial))
    assert run.manifest()["plugins"] == {
        field: {"name": name, "distributions": {}} for field, name in names.items()
    }
    assert resume(run.folder, bar_data, trust=True).recipe() == recipe


def test_the_distribution_of_a_plugin_is_known_by_its_module() -> None:
    found = plugins.distributions("schedules", "numpy.random:default_rng")
    assert found == {"numpy": np.__version__}


def test_another_version_of_a_plugin_is_not_resumed(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, schedule="ankleboot.training.schedules:cosine", epochs=1)
    monkeypatch.setattr(plugins, "distributions", lambda kind, name: {"nets": "1"})
    run = fit(recipe, bar_data, tmp_path / "run")
    monkeypatch.setattr(plugins, "distributions", lambda kind, name: {"nets": "2"})
    with pytest.raises(ModelError, match="plugins.schedule.distributions.nets was 1 and is 2"):
        resume_fit(run.folder, bar_data)


@pytest.mark.parametrize("field", PLUGINS)
def test_resume_refuses_foreign_code_without_trust(
    field: str, module: str, bar_data: Dataset, bar_run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(bar_run.folder, folder)
    name = f"{module}:{PLUGINS[field]}"
    document = TINY.to_json() | {field: name}
    (folder / "recipe.json").write_text(json.dumps(document))
    with pytest.raises(ModelError, match=f"{field} {name} is code outside .*--trust"):
        resume(folder, bar_data)
    assert module not in sys.modules
    with pytest.raises(ModelError, match=f"recipe.{field} was .* and is {name}"):
        resume(folder, bar_data, trust=True)


def test_the_command_refuses_foreign_code_without_trust(
    module: str, bar_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(bar_run.folder, folder)
    document = replace(TINY, optimizer=f"{module}:optimizer").to_json()
    (folder / "recipe.json").write_text(json.dumps(document))
    assert ankleboot(["train", "--resume", str(folder), "--data", "sample"]) == 4
    assert "pass --trust" in capsys.readouterr().err
    assert module not in sys.modules
