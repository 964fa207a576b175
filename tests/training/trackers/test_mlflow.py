"""What MLflow's own client reads back from the store."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.data.dataset import Dataset
from ankleboot.models.run import Run, load_run
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.trackers.mlflow import MlflowTracker
from ankleboot.training.train import resume, train
from helpers.images import TINY

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    # not importorskip: its import takes each process of the tests a second
    pytest.mark.skipif(find_spec("mlflow") is None, reason="MLflow is not installed"),
]


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs, whose tables MLflow takes seconds to make."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)  # where it puts another folder
        MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Client of the store that a call in this folder uses."""
    from mlflow import MlflowClient

    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    shutil.copy(empty_database, tmp_path / "runs/mlflow.db")
    yield MlflowClient(f"sqlite:///{tmp_path}/runs/mlflow.db")


def runs_in(store: Any) -> list[Any]:
    experiment = store.get_experiment_by_name("ankleboot")
    return list(store.search_runs([experiment.experiment_id]))


class StopAfter(TrainingCallback):
    """Ends the training as a fault would, after some epochs."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def on_epoch_end(self, record: Any, is_best: bool) -> None:  # noqa: ARG002
        if record.epoch == self._epochs:
            raise RuntimeError("a fault")


def test_a_run_is_read_back(store: Any, bar_data: Dataset, tmp_path: Path) -> None:
    run = train(TINY, bar_data, "runs/first", callbacks=[MlflowTracker()])
    (told,) = runs_in(store)
    assert told.info.status == "FINISHED"
    assert told.data.tags["mlflow.runName"] == "first"
    recipe = {key: str(value) for key, value in TINY.to_json().items()}
    assert told.data.params == {**recipe, "data": "bars"}
    for name in ("train_loss", "validation_accuracy", "learning_rate"):
        curve = store.get_metric_history(told.info.run_id, name)
        assert [(m.step, m.value) for m in curve] == [
            (record.epoch, getattr(record, name)) for record in run.history()
        ]
    accuracy = run.result()["validation"]["accuracy"]
    assert told.data.metrics["result_accuracy"] == accuracy
    assert told.data.metrics["train_seconds"] == run.result()["train_seconds"]
    copy = Path(store.download_artifacts(told.info.run_id, "run", str(tmp_path)))
    assert load_run(copy).result() == run.result()
    assert (copy / "model.keras").read_bytes() == run.model_path.read_bytes()
    assert (tmp_path / "runs/mlflow-artifacts").is_dir()


def test_a_resumed_run_stays_one_run_and_no_epoch_comes_twice(
    store: Any, bar_data: Dataset
) -> None:
    with pytest.raises(RuntimeError, match="a fault"):
        train(TINY, bar_data, "runs/r", callbacks=[MlflowTracker(), StopAfter(2)])
    (told,) = runs_in(store)
    assert told.info.status == "FAILED"
    resume("runs/r", bar_data, callbacks=[MlflowTracker()])
    (told,) = runs_in(store)
    assert told.info.status == "FINISHED"
    curve = store.get_metric_history(told.info.run_id, "validation_loss")
    assert [m.step for m in curve] == [1, 2, 3]


def test_a_complete_run_is_logged_from_its_folder(store: Any, bar_run: Run, tmp_path: Path) -> None:
    shutil.copytree(bar_run.folder, tmp_path / "runs/copy")
    for _ in range(2):  # the second time the run is known
        MlflowTracker().on_complete(Run(tmp_path / "runs/copy"))
    (told,) = runs_in(store)
    assert [m.step for m in store.get_metric_history(told.info.run_id, "train_loss")] == [1, 2, 3]


def test_a_store_that_fails_does_not_end_a_training(
    store: Any, bar_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = MlflowTracker()
    log_batch, calls = tracker._client.log_batch, list[bool]()

    def failing(*arguments: Any, **keywords: Any) -> None:
        calls.append("metrics" in keywords)
        if calls[-1] and sum(calls) == 1:  # that of the first epoch
            raise OSError("disk is away")
        log_batch(*arguments, **keywords)

    monkeypatch.setattr(tracker._client, "log_batch", failing)
    train(replace(TINY, epochs=2), bar_data, "runs/r", callbacks=[tracker])
    (told,) = runs_in(store)
    curve = store.get_metric_history(told.info.run_id, "train_loss")
    assert [m.step for m in curve] == [1, 2] and told.info.status == "FINISHED"


def test_a_store_that_cannot_be_opened_is_one_line_before_the_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/file/m.db")
    with pytest.raises(EnvironmentFailure, match="the MLflow store sqlite.* fails"):
        MlflowTracker()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_passwords_stay_out_of_files_and_messages(
    store: Any, bar_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:1/store")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(EnvironmentFailure) as caught:
        MlflowTracker()
    assert "the MLflow store http://127.0.0.1:1/store fails" in str(caught.value)


def test_a_complete_run_can_be_resumed_for_its_log(store: Any, bar_data: Dataset) -> None:
    train(TINY, bar_data, "runs/r")
    resume("runs/r", bar_data, callbacks=[MlflowTracker()])
    (told,) = runs_in(store)
    assert told.info.status == "FINISHED"
