"""`train --track` from the command line."""

from pathlib import Path

import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.models.run import Run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
SETTINGS = ["blocks=1", "filters=4", "dense_units=0", "batch_size=200", "epochs=1"]
COMMAND = ["train", "plain", "--data", "sample", *(p for s in SETTINGS for p in ("--set", s))]


def test_one_run_and_several_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "clothes")
    assert ankleboot([*COMMAND, "--track", "mlflow", "--run-dir", "one"]) == 0
    assert ankleboot([*COMMAND, "--track", "mlflow", "--seeds", "2", "--parallel", "1"]) == 0
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/store.db")
    runs = client.search_runs([client.get_experiment_by_name("clothes").experiment_id])
    assert sorted(run.data.tags["mlflow.runName"] for run in runs) == ["one", "seed-0", "seed-1"]
    for run in runs:
        folder = Run(Path(run.data.tags["ankleboot.folder"]))
        assert run.data.metrics["result_accuracy"] == folder.result()["validation"]["accuracy"]


def test_an_unknown_tool_is_refused_before_the_training(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ankleboot([*COMMAND, "--track", "wandb"]) == 2
    error = capsys.readouterr().err
    assert "unknown tracker 'wandb'" in error and "valid: mlflow" in error
    assert not (tmp_path / "runs").exists()
