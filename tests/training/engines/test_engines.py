"""The engine on either backend, and the feed that brings it its images."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import SPRINT
from ankleboot.recipes.recipe import Recipe
from ankleboot.training import data_loader
from ankleboot.training.data_loader import EpochLoader, EpochPlan
from ankleboot.training.engines import base
from ankleboot.training.engines.base import Chunk, RunningMetrics
from ankleboot.training.trainer import fit
from helpers.images import TINY, bars

SMALL = replace(
    SPRINT, blocks=2, filters=4, max_filters=8, batch_size=32, precision="float32", seed=1
)
NOTHING = np.zeros(0, np.float32)


def test_the_order_is_a_permutation_that_epoch_and_seed_decide() -> None:
    first = data_loader.epoch_order(TINY, 100, 1, NOTHING)
    assert sorted(first) == list(range(100))
    assert (first == data_loader.epoch_order(TINY, 100, 1, NOTHING)).all()
    assert (first != data_loader.epoch_order(TINY, 100, 2, NOTHING)).any()
    assert (first != data_loader.epoch_order(replace(TINY, seed=9), 100, 1, NOTHING)).any()


def test_later_epochs_take_the_images_with_the_highest_losses() -> None:
    recipe = replace(SMALL, hard_example_fraction=0.3)
    losses = np.random.default_rng(0).random(100).astype(np.float32)
    assert len(data_loader.epoch_order(recipe, 100, 1, losses)) == 100
    second = data_loader.epoch_order(recipe, 100, 2, losses)
    assert set(second) == set(np.argsort(losses)[-30:])
    assert data_loader.num_steps(recipe, 100, 1) == 4 and data_loader.num_steps(recipe, 100, 2) == 1


def gathered(first_step: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Chunk, int, int]]:
    monkeypatch.setattr(data_loader, "CHUNK_SIZE", 64)
    data, recipe = bars(300, 0), replace(TINY, max_shift=2, flip=True)
    indices = np.arange(300)[::-1].copy()
    loader = EpochLoader(recipe, data.images, data.labels, CLASS_NAMES, indices)
    order = data_loader.epoch_order(recipe, 300, 1, NOTHING)
    rates = np.linspace(1, 0, 10).astype(np.float32)  # 9 whole batches of 32 and one of 12
    return list(loader.chunks(EpochPlan(1, order, rates), first_step, lambda chunk: chunk))


def test_chunks_cover_the_epoch_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = gathered(0, monkeypatch)
    assert [(first, last) for _, first, last in chunks] == [(i, i + 2) for i in range(0, 10, 2)]
    positions = np.concatenate([chunk.positions for chunk, _, _ in chunks])
    assert (positions == data_loader.epoch_order(TINY, 300, 1, NOTHING)).all()
    labels = np.concatenate([chunk.labels for chunk, _, _ in chunks])
    assert (labels == bars(300, 0).labels[299 - positions]).all()
    assert [len(chunk.learning_rates) for chunk, _, _ in chunks] == [2] * 5


def test_an_epoch_taken_up_in_the_middle_gets_the_same_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, rest = gathered(0, monkeypatch), gathered(5, monkeypatch)
    assert [first for _, first, _ in rest] == [4, 6, 8]
    for (a, *_), (b, *_) in zip(whole[2:], rest, strict=True):
        assert (a.images == b.images).all()


def test_an_error_while_preparing_reaches_the_consumer() -> None:
    data = bars(10, 0)
    loader = EpochLoader(TINY, data.images, data.labels, CLASS_NAMES, np.arange(10))
    plan = EpochPlan(1, np.full(10, 999, np.int32), np.ones(1, np.float32))
    with pytest.raises(IndexError):
        list(loader.chunks(plan, 0, lambda chunk: chunk))


def test_the_engine_remembers_every_image_s_loss() -> None:
    part = bars(96, 0)
    engine = base.create_engine(SMALL, 200)
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
    # judged after the epoch on all 512: a multiple of 1/512, not of the 256 that were trained on
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


def test_an_unknown_backend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from ankleboot.core.errors import EnvironmentFailure

    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(EnvironmentFailure, match="TensorFlow or JAX, not on torch"):
        base.create_engine(TINY, 1)


def test_a_file_of_a_bfloat16_run_needs_neither_bfloat16_nor_us(
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
from ankleboot.training.engines.base import Chunk, RunningMetrics, create_engine
from ankleboot.recipes.recipe import from_json
from ankleboot.models.run import Run
arrays, recipe = Run(Path(sys.argv[1])).read_checkpoint()
chunk = Chunk(*(arrays.pop(key) for key in ("images", "labels", "positions", "rates")))
engine = create_engine(from_json(recipe), len(chunk.images), int(sys.argv[2]))
engine.restore(engine.state() | {k: v for k, v in arrays.items() if k.startswith("model/")})
device = engine.to_device(chunk)
totals = engine.train(device, 0, 1, RunningMetrics())
totals = engine.train(device, 1, 3, totals)
judged = engine.evaluate(chunk.images, chunk.labels)
print(json.dumps([type(engine).__name__, totals.loss, totals.correct, totals.images, judged.loss]))
print(json.dumps(engine.losses().tolist()))
"""


COLORFUL = replace(TINY, image_size=20, color=True, crop="none", label_smoothing=0.1)


@pytest.mark.parametrize(
    "recipe",
    [
        COLORFUL,
        pytest.param(replace(TINY, label_smoothing=0.1, l2=1e-3), marks=pytest.mark.slow),
        pytest.param(SMALL, marks=pytest.mark.slow),
    ],
)
def test_jax_takes_the_steps_that_tensorflow_takes(recipe: Recipe, tmp_path: Path) -> None:
    """Two whole batches and one of 16, from the same weights, in two processes."""
    part, num_classes = bars(80, 4), 10
    if recipe.color:
        images = np.random.default_rng(0).integers(0, 256, (80, 20, 20, 3), dtype=np.uint8)
        part, num_classes = LabeledImages(images, np.arange(80) % 3), 3
    positions, rates = np.arange(80, dtype=np.int32), np.full(3, 0.01, np.float32)
    inputs = {"images": part.images, "labels": part.labels, "positions": positions, "rates": rates}
    engine = base.create_engine(recipe, 80, num_classes)
    Run(tmp_path).write_checkpoint(engine.state() | inputs, recipe.to_json())
    chunk = engine.to_device(Chunk(part.images, part.labels, positions, rates))
    totals = engine.train(chunk, 0, 3, RunningMetrics())
    judged = engine.evaluate(part.images, part.labels)

    done = in_jax("-c", JAX_STEPS, str(tmp_path), str(num_classes))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0][0] == "JaxEngine"
    assert lines[0][1:] == pytest.approx([totals.loss, totals.correct, 80, judged.loss], rel=1e-3)
    np.testing.assert_allclose(lines[1], engine.losses(), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_run_made_with_jax_is_judged_with_tensorflow(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    settings = ["--data", "sample", "--set", "epochs=12", "--set", "precision=float32"]
    result = in_jax("-m", "ankleboot", "train", "sprint", *settings, "--run-dir", run, "--json")
    accuracy = json.loads(result.stdout)["validation"]["accuracy"]
    command = [sys.executable, "-m", "ankleboot", "evaluate", run, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert accuracy > 0.75
    assert json.loads((tmp_path / "run/manifest.json").read_text())["arithmetic"].endswith("jax")
    assert json.loads(done.stdout)["accuracy"] == pytest.approx(accuracy, abs=0.005)


def in_jax(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with Keras on JAX, on the processor."""
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"KERAS_BACKEND": "jax", "ANKLEBOOT_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr
    return done
