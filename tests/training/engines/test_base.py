"""Engines on both backends, and their precision."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import SPRINT
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Chunk, RunningMetrics
from ankleboot.training.loss import class_weights
from ankleboot.training.trainer import fit
from helpers.images import TINY, bars

SMALL = replace(
    SPRINT, blocks=2, filters=4, max_filters=8, batch_size=32, precision="float32", seed=1
)


def test_the_engine_stores_the_loss_of_each_image() -> None:
    part = bars(96, 0)
    engine = base.engine_class()(SMALL, 200)
    before = engine.evaluate(part.images, part.labels)
    positions = np.arange(100, 196, dtype=np.int32)
    chunk = engine.to_device(
        Chunk(part.images, part.labels, positions, np.full(3, 1e-8, np.float32))
    )
    totals = engine.train(chunk, 0, 3, RunningMetrics())
    losses = engine.losses()
    assert (losses[:100] == 0).all() and (losses[196:] == 0).all() and (losses[100:196] > 0).all()
    assert losses.sum() == pytest.approx(totals.loss, rel=1e-5)
    assert before.images == totals.images == 96


def test_training_on_the_hardest_reports_a_fair_sample(bar_data: Dataset, tmp_path: Path) -> None:
    run = fit(SMALL, bar_data, tmp_path / "run")
    result = run.result()
    assert result["epochs"] == 2
    last = run.history()[-1]
    # evaluated after the epoch on all 512: a multiple of 1/512, not of the 256 that were trained on
    assert last.train_accuracy * 512 == pytest.approx(round(last.train_accuracy * 512))
    assert set(result["stages"]) == {
        "build",
        "feed",
        "first_steps",
        "steps",
        "evaluation",
        "saving",
    }
    assert result["train_seconds"] == pytest.approx(sum(result["stages"].values()), abs=0.01)


def test_auto_precision_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, expected in ((["avx2"], "float32"), (["avx512f", "avx512_bf16"], "bfloat16")):
        monkeypatch.setattr(base, "cpu_flags", lambda flags=flags: flags)
        assert base.compute_dtype(SPRINT) == expected
    assert base.compute_dtype(TINY) == "float32"
    assert base.compute_dtype(replace(TINY, precision="bfloat16")) == "bfloat16"


def test_a_resume_in_another_arithmetic_is_refused(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ankleboot.core.errors import ModelError
    from ankleboot.training.trainer import resume_fit

    monkeypatch.setattr(base, "cpu_flags", list)
    run = fit(replace(SMALL, precision="auto", epochs=1), bar_data, tmp_path / "run")
    monkeypatch.setattr(base, "cpu_flags", lambda: ["amx_bf16"])
    with pytest.raises(ModelError, match="arithmetic was float32 .* and is bfloat16"):
        resume_fit(run.folder, bar_data)


def test_a_resume_with_other_kernels_is_refused(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ankleboot.core import tensorflow_settings
    from ankleboot.core.errors import ModelError
    from ankleboot.training.trainer import resume_fit

    monkeypatch.setattr(tensorflow_settings, "cpu_flags", lambda: ["avx2"])
    monkeypatch.setattr(tensorflow_settings, "uses_onednn", lambda: True)
    run = fit(replace(SMALL, epochs=1), bar_data, tmp_path / "run")
    assert run.manifest()["arithmetic"] == "float32 on tensorflow with oneDNN"
    monkeypatch.setattr(tensorflow_settings, "uses_onednn", lambda: False)
    with pytest.raises(ModelError, match="with oneDNN and is float32 on tensorflow"):
        resume_fit(run.folder, bar_data)


def test_an_unknown_backend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from ankleboot.core.errors import EnvironmentFailure

    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(EnvironmentFailure, match="TensorFlow or JAX, not on torch"):
        base.engine_class()(TINY, 1)


@pytest.mark.slow
def test_a_file_of_a_bfloat16_run_needs_neither_bfloat16_nor_this_package(
    bar_data: Dataset, tmp_path: Path
) -> None:
    run = fit(replace(SMALL, precision="bfloat16", epochs=1), bar_data, tmp_path / "run")
    code = (
        "import sys, keras, numpy as np\n"
        "model = keras.models.load_model(sys.argv[1])\n"
        "print({layer.compute_dtype for layer in model.layers})\n"
        "print(float(model(np.zeros((1, 28, 28, 1), 'float32')).numpy().sum()))\n"
        "assert 'ankleboot' not in sys.modules"
    )
    command = [sys.executable, "-c", code, str(run.model_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kinds, total = done.stdout.split("\n")[:2]
    assert kinds == "{'float32'}" and float(total) == pytest.approx(1, abs=1e-5)


JAX_STEPS = """
import json, sys
from pathlib import Path
from ankleboot.training.engines.base import Chunk, RunningMetrics, engine_class
from ankleboot.training.loss import class_weights
from ankleboot.recipes.parse import from_json
from ankleboot.models.run import Run
arrays, recipe = Run(Path(sys.argv[1])).read_checkpoint()
names = "images", "labels", "positions", "rates", "targets", "teacher"
chunk = Chunk(*(arrays.pop(key, None) for key in names))
recipe, num_classes = from_json(recipe), int(sys.argv[2])
weights = class_weights(recipe.class_weights, chunk.labels, num_classes)
engine = engine_class()(recipe, len(chunk.images), num_classes, weights=weights)
kinds = ("model/", "average/")
engine.restore(engine.state() | {k: v for k, v in arrays.items() if k.startswith(kinds)})
device = engine.to_device(chunk)
totals = engine.train(device, 0, 1, RunningMetrics())
totals = engine.train(device, 1, 3, totals)
evaluated = engine.evaluate(chunk.images, chunk.labels)
sums = [totals.loss, totals.correct, totals.images, evaluated.loss]
print(json.dumps([type(engine).__name__, *sums]))
print(json.dumps(engine.losses().tolist()))
with engine.averaged():
    print(json.dumps([float(abs(weights).sum()) for weights in engine.model.get_weights()]))
"""


COLORFUL = replace(TINY, image_size=20, color=True, crop="none", label_smoothing=0.1)
WEIGHTED = replace(COLORFUL, class_weights="balanced")
DISTILLED = replace(
    TINY, ema=0.5, mixup=1.0, teacher="another run", distillation=0.7, distillation_temperature=3.0
)
RESIDUAL = replace(
    TINY,
    convs_per_block=2,
    convolution="separable",
    residual=True,
    padding="same",
    squeeze_excitation=True,
    global_pooling="average",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [DISTILLED, WEIGHTED, RESIDUAL, COLORFUL, replace(TINY, label_smoothing=0.1, l2=1e-3), SMALL],
)
def test_jax_takes_the_steps_that_tensorflow_takes(recipe: Recipe, tmp_path: Path) -> None:
    """Two whole batches and one of 16, from the same weights, in two processes."""
    part, num_classes = bars(80, 4), 10
    if recipe.color:
        images = np.random.default_rng(0).integers(0, 256, (80, 20, 20, 3), dtype=np.uint8)
        part, num_classes = LabeledImages(images, np.minimum(np.arange(80) % 8, 2)), 3  # 1:1:6
    positions, rates = np.arange(80, dtype=np.int32), np.full(3, 0.01, np.float32)
    inputs = {"images": part.images, "labels": part.labels, "positions": positions, "rates": rates}
    if recipe.teacher:
        drawn = np.random.default_rng(5).dirichlet(np.ones(10), (2, 80)).astype(np.float32)
        inputs |= {"targets": drawn[0], "teacher": drawn[1]}
    weights = class_weights(recipe.class_weights, part.labels, num_classes)
    engine = base.engine_class()(recipe, 80, num_classes, weights=weights)
    Run(tmp_path).write_checkpoint(engine.state() | inputs, recipe.to_json())
    chunk = engine.to_device(Chunk(*inputs.values()))
    totals = engine.train(chunk, 0, 3, RunningMetrics())
    evaluated = engine.evaluate(part.images, part.labels)
    with engine.averaged():
        sums = [float(np.abs(weights).sum()) for weights in engine.model.get_weights()]

    done = in_jax("-c", JAX_STEPS, str(tmp_path), str(num_classes))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0][0] == "JaxEngine"
    assert lines[0][1:] == pytest.approx(
        [totals.loss, totals.correct, 80, evaluated.loss], rel=1e-3
    )
    np.testing.assert_allclose(lines[1], engine.losses(), rtol=1e-3, atol=1e-4)
    assert lines[2] == pytest.approx(sums, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("sprint", "epochs=12"),
        ("champion", "epochs=12 filters=8 max_filters=16 batch_size=64 ema=0.9"),
    ],
)
def test_a_run_made_with_jax_is_evaluated_with_tensorflow(
    tmp_path: Path, recipe: str, settings: str
) -> None:
    run = str(tmp_path / "run")
    options = ["--data", "sample", "--run-dir", run, "--json"]
    for setting in ("precision=float32", *settings.split()):
        options += ["--set", setting]
    result = in_jax("-m", "ankleboot", "train", recipe, *options)
    accuracy = json.loads(result.stdout)["validation"]["accuracy"]
    command = [sys.executable, "-m", "ankleboot", "evaluate", run, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert accuracy > 0.75
    assert json.loads((tmp_path / "run/manifest.json").read_text())["arithmetic"].endswith("jax")
    assert json.loads(done.stdout)["accuracy"] == pytest.approx(accuracy, abs=0.005)


@pytest.mark.slow
def test_two_devices_train_as_one(tmp_path: Path) -> None:
    """Whole batches and one of odd size: the same losses but for the order of sums.

    Plain gradient steps, since Muon turns the last bits of a small gradient into another direction.
    """
    settings = (
        "epochs=2 train_size=350 precision=float32 filters=8 max_filters=16 batch_size=150 ema=0.9 "
        "optimizer=sgd learning_rate=0.02"
    )
    options = [part for setting in settings.split() for part in ("--set", setting)]
    curves = []
    for number in (1, 2):
        run = tmp_path / str(number)
        flags = f"--xla_force_host_platform_device_count={number}"
        command = ("-m", "ankleboot", "train", "champion", "--data", "sample", *options)
        in_jax(*command, "--run-dir", str(run), XLA_FLAGS=flags)
        history = Run(run).history()
        curves.append([(record.train_loss, record.validation_loss) for record in history])
        hardware = json.loads((run / "manifest.json").read_text())["hardware"]
        assert hardware["devices"] == number
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)


def in_jax(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with Keras on JAX, on the processor."""
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"KERAS_BACKEND": "jax", "ANKLEBOOT_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
        | variables,
    )
    assert done.returncode == 0, done.stderr
    return done
