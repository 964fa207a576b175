"""Files of ensembles: all members and their mean in one file, equal to the mean in Python."""

import json
from pathlib import Path

import numpy as np
import pytest

from ankleboot.cli.main import run as run_command
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.data.load import load_data
from ankleboot.evaluation.ensemble import load_ensemble
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.export.export import export_model
from ankleboot.inference.load import load_predictor
from ankleboot.models.run import Run

pytestmark = pytest.mark.usefixtures("isolated_cache_dir", "isolated_state_dir")
Runs = tuple[Run, Run]


@pytest.mark.parametrize(("format", "name"), [("litert", "both.tflite"), ("onnx", "both.onnx")])
def test_a_file_predicts_as_the_ensemble(
    format: str, name: str, sample_runs: Runs, tmp_path: Path
) -> None:
    ensemble, images = load_ensemble(sample_runs), load_data("sample").test.images
    result = export_model(ensemble, format, tmp_path / name)
    assert result.parity.max_abs_diff < 1e-4 and result.parity.top1_agreement == 1
    assert (result.passes, result.parameters) == (2, ensemble.info.parameters)
    file = load_predictor(tmp_path / name)
    members = [load_predictor(run.folder).predict(images) for run in sample_runs]
    powers = np.exp(np.log(np.mean(members, axis=0)) / ensemble.info.temperature)
    assert np.allclose(file.predict(images), powers / powers.sum(axis=1, keepdims=True), atol=1e-4)
    for field in ("temperature", "abstain_below", "passes", "labels", "model_sha256"):
        assert getattr(file.info, field) == getattr(ensemble.info, field)
    assert evaluate(tmp_path / name).cost.passes_per_image == 2


def test_int8_rounds_the_networks_but_not_their_mean(sample_runs: Runs, tmp_path: Path) -> None:
    """Steps of 1/256 in the mean would show as few different probabilities."""
    result = export_model(load_ensemble(sample_runs), "litert-int8", tmp_path / "both.tflite")
    assert result.bytes < 2 * export_model(sample_runs[0], "litert", tmp_path / "one.tflite").bytes
    probs = load_predictor(tmp_path / "both.tflite").predict(load_data("sample").test.images)
    assert len(np.unique(probs)) > 500
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("format", ["litert-micro", "web", "playground"])
def test_a_format_of_one_network_is_refused(format: str, sample_runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{format} holds one network, no ensemble of 2"):
        export_model(load_ensemble(sample_runs), format, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_members_without_a_network_are_refused(sample_runs: Runs, tmp_path: Path) -> None:
    export_model(sample_runs[0], "litert", tmp_path / "one.tflite")
    ensemble = load_ensemble([sample_runs[1], tmp_path / "one.tflite"])
    with pytest.raises(ModelError, match=r"one\.tflite: expected a run folder or a \.keras file"):
        export_model(ensemble, "litert", tmp_path / "both.tflite")


def test_the_command_shows_the_cost(
    sample_runs: Runs, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = (str(run.folder) for run in sample_runs)
    command = ["export", first, "--ensemble-with", second, "--format", "litert", "--output"]
    assert run_command([*command, str(tmp_path / "a.tflite")]) == 0
    parameters = load_predictor(tmp_path / "a.tflite").info.parameters
    shown = " ".join(capfd.readouterr().out.split())
    assert f"2 networks of {parameters:,} parameters in all" in shown
    assert run_command([*command, str(tmp_path / "b.tflite"), "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert (document["passes"], document["parameters"]) == (2, parameters)
    assert run_command([*command, str(tmp_path / "c.tflite"), "--views", "flip"]) == 2
    assert "so it cannot choose images for further views" in capfd.readouterr().err
    assert not (tmp_path / "c.tflite").exists()
