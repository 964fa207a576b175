"""Training and resuming through the public functions."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import ankleboot
from ankleboot.core.errors import Interrupted
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.overfitting import diagnose_fit
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.training.callbacks import TrainingCallback
from helpers.images import TINY
from helpers.training import StopAt, weights

SHORT = replace(TINY, epochs=1)


class Epochs(TrainingCallback):
    """Callback that stores the epochs it receives."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
        self.epochs.append(record.epoch)


def test_train_completes_a_run_folder_as_the_command_does(
    bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = Epochs(), Epochs()
    run = ankleboot.train(SHORT, bar_data, callbacks=(first, second))
    assert run.folder == Path("runs/tiny-seed0-001")
    assert first.epochs == second.epochs == [1]
    names = {path.name for path in run.folder.iterdir()}
    assert {"calibration.json", "verdict.json", "curves.png", "samples.png"} <= names
    document = run.to_json()
    assert document["calibration"]["num_examples"] == 128
    verdict = json.loads(json.dumps(diagnose_fit(run.history()).to_json()))
    sentences = document["verdict"].pop("sentences")
    about_curves = verdict.pop("sentences")
    assert document["verdict"] == verdict
    assert sentences[: len(about_curves)] == about_curves  # then the evidence behind it


def test_resume_completes_an_interrupted_run(
    bar_data: Dataset, bar_run: Run, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        ankleboot.train(TINY, bar_data, tmp_path / "run", callbacks=[StopAt(2, 3)])
    assert not (tmp_path / "run/calibration.json").exists()
    run = ankleboot.resume(tmp_path / "run", bar_data)
    assert weights(run) == weights(bar_run)
    assert run.calibration() is not None


def test_resume_loads_the_data_of_the_run(sample_run_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_run_folder, tmp_path / "run")
    messages: list[str] = []

    class Messages(TrainingCallback):
        def on_message(self, message: str) -> None:
            messages.append(message)

    run = ankleboot.resume(tmp_path / "run", callbacks=[Messages()])
    assert any("is complete already" in message for message in messages)
    assert run.result()["data"] == "sample"


@pytest.fixture
def sample_run_folder(tmp_path: Path) -> Path:
    recipe = replace(SHORT, train_size=64)
    return ankleboot.train(recipe, ankleboot.load_data("sample"), tmp_path / "sample").folder
