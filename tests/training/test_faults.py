"""Faults in the middle of training: memory, repeated kills, and what a resume has to remember."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.engines.base import is_out_of_memory
from ankleboot.training.engines.tensorflow import TensorFlowEngine
from ankleboot.training.trainer import fit, resume_fit
from helpers.images import TINY, bars
from helpers.training import weights


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs in the training code."""


def raise_at_epoch(patch: pytest.MonkeyPatch, error: BaseException, epoch: int) -> None:
    """Raise in the first call of the engine that belongs to an epoch."""
    original, seen = TensorFlowEngine.train, list[Any]()

    def train(engine: TensorFlowEngine, chunk: Any, *rest: Any) -> Any:
        if not seen or seen[-1] is not chunk:
            seen.append(chunk)  # with these small data an epoch is one chunk
        if len(seen) == epoch:
            raise error
        return original(engine, chunk, *rest)

    patch.setattr(TensorFlowEngine, "train", train)


def test_a_run_killed_during_its_resumes_ends_with_the_same_bits(
    bar_data: Dataset, bar_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    for attempt, epoch in ((fit, 2), (resume_fit, 1), (resume_fit, 2)):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            raise_at_epoch(patch, Killed(), epoch)
            if attempt is fit:
                fit(TINY, bar_data, folder)
            else:
                resume_fit(folder, bar_data)
    finished = resume_fit(folder, bar_data)
    assert weights(finished) == weights(bar_run)
    for ours, theirs in zip(finished.history(), bar_run.history(), strict=True):
        assert replace(ours, seconds=0.0) == replace(theirs, seconds=0.0)


def test_patience_the_best_epoch_and_the_rate_survive_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random labels: the validation loss rises at once, so the patience is short of its end."""
    noise = bars(640, 0)
    labels = np.random.default_rng(5).permutation(noise.labels)
    images = LabeledImages(noise.images, labels)
    data = Dataset("noise", images, bars(100, 1), "tests", {"train": "2" * 64}, CLASS_NAMES)
    recipe = replace(TINY, epochs=30, patience=3, learning_rate=0.02, batch_size=64)
    recipe = replace(recipe, schedule="cosine")
    unbroken = fit(recipe, data, tmp_path / "unbroken")
    stopped = len(unbroken.history())
    assert stopped < 30
    with monkeypatch.context() as patch, pytest.raises(Killed):
        raise_at_epoch(patch, Killed(), stopped)  # two epochs of patience have passed
        fit(recipe, data, tmp_path / "broken")
    resumed = resume_fit(tmp_path / "broken", data)
    assert weights(resumed) == weights(unbroken)
    for key in ("epochs", "best_epoch", "model_epoch", "validation"):
        assert resumed.result()[key] == unbroken.result()[key]
    rates = [record.learning_rate for record in unbroken.history()]
    assert [record.learning_rate for record in resumed.history()] == rates
    assert len(set(rates)) == len(rates)


@pytest.mark.parametrize("kind", ["MemoryError", "ResourceExhaustedError", "RESOURCE_EXHAUSTED"])
def test_exhausted_memory_names_the_batch_size_and_keeps_the_checkpoint(
    kind: str, bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    errors = {
        "MemoryError": MemoryError(),
        "ResourceExhaustedError": tf.errors.ResourceExhaustedError(None, None, "OOM"),
        "RESOURCE_EXHAUSTED": RuntimeError("RESOURCE_EXHAUSTED: out of memory"),
    }
    with monkeypatch.context() as patch:
        raise_at_epoch(patch, errors[kind], 2)
        with pytest.raises(EnvironmentFailure, match="smaller batch_size .it is 32") as caught:
            fit(replace(TINY, epochs=2), bar_data, tmp_path / "run")
    assert caught.value.exit_code == 5
    run = Run(tmp_path / "run")
    checkpoint = run.read_checkpoint()
    assert checkpoint is not None and checkpoint[1]["epoch"] == 2
    with pytest.raises(ModelError, match="not complete"):
        run.check_model()
    assert not is_out_of_memory(RuntimeError("another fault"))


@pytest.mark.parametrize("epoch", [1, TINY.epochs])
def test_a_run_folder_removed_during_the_run_is_named(
    bar_data: Dataset, tmp_path: Path, epoch: int
) -> None:
    class Remover(TrainingCallback):
        def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
            if record.epoch == epoch:
                shutil.rmtree(tmp_path / "run", ignore_errors=True)

    with pytest.raises(EnvironmentFailure, match="run: removed during the training"):
        fit(TINY, bar_data, tmp_path / "run", [Remover()])
    assert not Run(tmp_path / "run").is_complete


def test_a_last_batch_of_one_image_leaves_the_weights_finite(
    bar_data: Dataset, tmp_path: Path
) -> None:
    """Batch normalization divides by the deviation within the batch, which is zero here."""
    recipe: Recipe = replace(TINY, batch_size=511, epochs=2, batch_norm=True, dropout=0.2)
    run = fit(recipe, bar_data, tmp_path / "run")
    assert run.manifest()["split"]["num_train"] % 511 == 1
    checkpoint = run.read_checkpoint()
    assert checkpoint is not None
    assert all(np.isfinite(array).all() for array in checkpoint[0].values())
    assert np.isfinite(run.result()["validation"]["loss"])


def test_a_resume_with_classes_of_other_names_is_refused(bar_data: Dataset, bar_run: Run) -> None:
    renamed = replace(bar_data, class_names=("Boot", *CLASS_NAMES[1:]))
    with pytest.raises(ModelError, match="cannot resume, labels was .*'Boot'"):
        resume_fit(bar_run.folder, renamed)
