"""Training learns, repeats bit for bit, and resumes after signals, kills and full disks."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import (
    DataError,
    EnvironmentFailure,
    Interrupted,
    ModelError,
    UsageError,
)
from ankleboot.data.dataset import Dataset
from ankleboot.models import architectures
from ankleboot.models.files import examined
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.recipes.parse import override
from ankleboot.training import trainer
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.engines.base import Chunk, RunningMetrics
from ankleboot.training.engines.tensorflow import TensorFlowEngine
from ankleboot.training.optimizers.build import build_optimizer
from ankleboot.training.trainer import fit, resume_fit
from helpers.images import TINY, bars
from helpers.training import StopAt, weights


def test_a_network_learns_the_bars(bar_run: Run) -> None:
    result = bar_run.result()
    assert result["validation"]["accuracy"] > 0.95
    assert result["parameters"] == 4 * 9 + 4 + 13 * 13 * 4 * 16 + 16 + 16 * 10 + 10
    assert result["epochs"] == len(bar_run.history()) == 3


def test_a_run_folder_holds_the_documented_files(bar_run: Run) -> None:
    names = {path.name for path in bar_run.folder.iterdir() if not path.name.startswith(".")}
    assert names == {
        "recipe.json",
        "manifest.json",
        "checkpoint.npz",
        "best.keras",
        "history.csv",
        "tensorboard",
        "model.keras",
        "result.json",
    }
    assert bar_run.recipe() == TINY
    assert {"data", "split", "versions", "hardware", "git_commit"} <= bar_run.manifest().keys()


def test_tensorboard_reads_the_curves(bar_run: Run) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    for part in ("train", "validation"):
        events = EventAccumulator(str(bar_run.folder / "tensorboard" / part))
        events.Reload()
        found = [float(make_ndarray(e.tensor_proto)) for e in events.Tensors("accuracy")]
        expected = [getattr(record, f"{part}_accuracy") for record in bar_run.history()]
        assert found == pytest.approx(expected)


ALL_STATEFUL_OPTIONS = replace(
    TINY,
    batch_norm=True,
    dropout=0.2,
    flip=False,
    max_shift=1,
    rotation=5.0,
    scale_jitter=0.05,
    random_erasing=0.2,
    l2=1e-4,
    weight_decay=1e-4,
    label_smoothing=0.05,
    schedule="one_cycle",
    optimizer="sgd",
    momentum=0.8,
    learning_rate=0.05,
    hard_example_fraction=0.6,
    ema=0.99,
    seed=3,
)
"""Recipe with every option that has state or randomness."""


def test_a_run_stopped_anywhere_ends_with_the_bits_of_an_unbroken_one(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "CALL_DURATION_S", 0.0)  # one step per call: stop at any step
    unbroken = fit(ALL_STATEFUL_OPTIONS, bar_data, tmp_path / "unbroken")
    folder = tmp_path / "broken"
    with pytest.raises(Interrupted) as caught:
        fit(ALL_STATEFUL_OPTIONS, bar_data, folder, [StopAt(1, 5)])
    assert caught.value.exit_code == 130
    with pytest.raises(Interrupted) as caught:  # in the last step of an epoch
        resume_fit(folder, bar_data, [StopAt(2, 5, signal.SIGTERM)])
    assert caught.value.exit_code == 143
    with pytest.raises(ModelError, match="not complete"):
        Run(folder).check_model()
    finished = resume_fit(folder, bar_data)
    assert weights(finished) == weights(unbroken)
    for ours, theirs in zip(finished.history(), unbroken.history(), strict=True):
        assert replace(ours, seconds=0.0) == replace(theirs, seconds=0.0)
    assert resume_fit(folder, bar_data).result() == finished.result()  # nothing left to do


class Killed(Exception):
    """Stands for SIGKILL: nothing after it runs in the training code."""


def test_a_run_killed_between_two_writes_ends_with_the_same_bits(
    bar_data: Dataset, bar_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the best model of epoch 2 is written and before its checkpoint is."""
    original = Run.write_checkpoint

    def die_in_epoch_2(
        run: Run, arrays: dict[str, np.ndarray], progress: dict[str, object]
    ) -> None:
        if progress["epoch"] == 3:
            raise Killed
        original(run, arrays, progress)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Run, "write_checkpoint", die_in_epoch_2)
        fit(TINY, bar_data, tmp_path / "run")
    assert weights(resume_fit(tmp_path / "run", bar_data)) == weights(bar_run)


def test_a_kill_between_checkpoint_and_history_loses_no_epoch(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(run: Run, history: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Run, "write_history", die)
        fit(replace(TINY, epochs=1), bar_data, tmp_path / "run")
    assert len(resume_fit(tmp_path / "run", bar_data).history()) == 1


def test_a_signal_while_saving_stops_after_it(bar_data: Dataset, tmp_path: Path) -> None:
    class StopAfterTheLastEpoch(TrainingCallback):
        def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
            if record.epoch == TINY.epochs:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="after epoch 3"):
        fit(TINY, bar_data, tmp_path / "run", [StopAfterTheLastEpoch()])
    assert resume_fit(tmp_path / "run", bar_data).is_complete


def test_an_edited_recipe_is_not_resumed(bar_data: Dataset, bar_run: Run, tmp_path: Path) -> None:
    shutil.copytree(bar_run.folder, tmp_path / "run")
    path = tmp_path / "run" / "recipe.json"
    path.write_text(path.read_text().replace('"epochs": 3', '"epochs": 4'))
    with pytest.raises(ModelError, match="recipe.epochs was 3 and is 4"):
        resume_fit(tmp_path / "run", bar_data)


def test_a_run_that_never_started_does_not_block_its_folder(
    bar_data: Dataset, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(DataError):
        fit(replace(TINY, train_size=5_000), bar_data, folder)
    folder.mkdir(exist_ok=True)
    (folder / ".lock").touch()
    (folder / "manifest.json").write_text("{}")  # killed before recipe.json
    assert fit(replace(TINY, epochs=1), bar_data, folder).is_complete


def test_another_seed_gives_other_weights(bar_data: Dataset, bar_run: Run, tmp_path: Path) -> None:
    other = fit(replace(TINY, seed=1, epochs=1), bar_data, tmp_path / "run")
    assert weights(other) != weights(bar_run)


def test_a_resume_with_other_data_or_versions_is_refused(
    bar_data: Dataset, bar_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(bar_data, sha256={"train-bars": "9" * 64})
    with pytest.raises(ModelError, match="cannot resume, data.train_sha256 was .* and is "):
        resume_fit(bar_run.folder, other)
    monkeypatch.setattr("ankleboot.core.environment.__version__", "99")
    with pytest.raises(ModelError, match="ankleboot was .* and is 99"):
        resume_fit(bar_run.folder, bar_data)


def test_other_hardware_is_reported(
    bar_data: Dataset, bar_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []

    class Messages(TrainingCallback):
        def on_message(self, message: str) -> None:
            messages.append(message)

    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    resume_fit(bar_run.folder, bar_data, [Messages()])
    assert any("intra_op_threads was default and is 1" in message for message in messages)


def test_folders_are_never_overwritten(bar_data: Dataset, bar_run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        fit(TINY, bar_data, bar_run.folder)
    others = tmp_path / "others"
    others.mkdir()
    (others / ".notes.tmp").touch()
    with pytest.raises(UsageError, match="not empty"):
        fit(TINY, bar_data, others)
    assert [path.name for path in others.iterdir()] == [".notes.tmp"]
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="this is a file"):
        fit(TINY, bar_data, tmp_path / "file")
    with pytest.raises(ModelError, match="not a run folder"):
        resume_fit(tmp_path / "nowhere", bar_data)
    with pytest.raises(ModelError, match="not a run folder"):
        resume_fit(tmp_path, bar_data)


def test_what_this_machine_trained_needs_no_examination(bar_run: Run) -> None:
    for path in (bar_run.best_path, bar_run.model_path):
        assert examined.is_known(examined.key_of(path))


def test_a_damaged_best_model_does_not_become_the_result(
    bar_data: Dataset, bar_run: Run, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(bar_run.folder, run.folder)
    (run.folder / "result.json").unlink()
    content = bytearray(run.best_path.read_bytes())
    content[len(content) // 2] ^= 1
    run.best_path.write_bytes(content)
    with pytest.raises(ModelError, match=r"best\.keras: damaged"):
        resume_fit(run.folder, bar_data)
    assert not run.is_complete


def test_two_processes_cannot_train_in_one_folder(bar_data: Dataset, bar_run: Run) -> None:
    from ankleboot.models.run_dir import open_run

    with open_run(bar_run.folder), pytest.raises(ModelError, match="another process"):
        resume_fit(bar_run.folder, bar_data)


def test_a_full_disk_ends_training_and_keeps_the_old_checkpoint(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    original, calls = Path.write_bytes, []

    def fill_up(path: Path, content: bytes) -> int:
        if "checkpoint" in path.name:
            calls.append(path)
            if len(calls) == 2:
                raise OSError(28, "No space left on device")
        return original(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(EnvironmentFailure, match="disk full while writing .*checkpoint.npz"):
        fit(TINY, bar_data, folder)
    checkpoint = Run(folder).read_checkpoint()
    assert checkpoint is not None and checkpoint[1]["epoch"] == 2
    assert not list(folder.glob(".*.tmp*"))


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adam", "label_smoothing": "0.1", "l2": "0.001"},
        {"optimizer": "sgd", "momentum": "0.5", "weight_decay": "0.01"},
    ],
)
def test_the_engine_takes_the_steps_that_keras_takes(settings: dict[str, str]) -> None:
    """The oracle is Keras' own `fit` of the same network on the same batches."""
    import keras

    recipe = override(TINY, settings)
    part = bars(80, 4)  # two batches of 32 and one of 16
    engine = TensorFlowEngine(recipe, 80)
    rates = np.full(3, recipe.learning_rate, np.float32)
    chunk = engine.to_device(Chunk(part.images, part.labels, np.arange(80, dtype=np.int32), rates))
    totals = engine.train(chunk, 0, 3, RunningMetrics())
    assert totals.images == 80

    model = architectures.build_model(recipe)
    optimizer = build_optimizer(recipe)
    optimizer.build(model.trainable_variables)
    optimizer.learning_rate.assign(recipe.learning_rate)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    model.compile(optimizer, loss)
    inputs, targets = part.images[..., None] / np.float32(255), np.eye(10)[part.labels]
    model.fit(inputs, targets, batch_size=32, shuffle=False, verbose=0)
    for ours, theirs in zip(engine.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_evaluation_during_training_equals_the_predictor(bar_data: Dataset, bar_run: Run) -> None:
    from ankleboot.evaluation import metrics
    from ankleboot.inference.load import load_predictor

    predictor = load_predictor(bar_run.folder)
    validation = bar_data.train.images[512:], bar_data.train.labels[512:]
    probs = predictor.predict(validation[0])
    reported = bar_run.result()["validation"]
    assert metrics.top_k_accuracy(probs, validation[1]) == pytest.approx(reported["accuracy"])
    assert metrics.log_loss(probs, validation[1]) == pytest.approx(reported["loss"], rel=1e-4)


def test_a_batch_larger_than_the_data_is_one_step(bar_data: Dataset, tmp_path: Path) -> None:
    run = fit(replace(TINY, batch_size=4096, epochs=1), bar_data, tmp_path / "run")
    assert run.result()["epochs"] == 1
