"""Ensembles: means computed by NumPy, their own calibration, and models that do not fit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ankleboot
from ankleboot.cli.main import run as run_command
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.sealed import write_sealed
from ankleboot.core.types import Probs
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.export_images import export_images
from ankleboot.data.load import load_data
from ankleboot.evaluation.calibration import fit_calibration
from ankleboot.evaluation.compare import compare
from ankleboot.evaluation.ensemble import load_ensemble
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.evaluation.select_split import validation_images
from ankleboot.inference.decide import Prediction
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.calibration import Calibration, apply_temperature
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from helpers.predictors import FakePredictor

pytestmark = pytest.mark.usefixtures("isolated_cache_dir", "isolated_state_dir")
Runs = tuple[Run, Run]


def mean_of(runs: Runs, images: np.ndarray) -> Probs:
    """Return the mean of the runs' probabilities."""
    first, second = (load_predictor(run.folder).predict(images) for run in runs)
    mean: np.ndarray = (first + second) / 2
    return mean


def validation_of(run: Run) -> LabeledImages:
    return validation_images(run.recipe(), load_data("sample"))


def fitted(runs: Runs) -> Calibration:
    """Return the calibration of the mean on the validation images of the runs."""
    images = validation_of(runs[0])
    return fit_calibration(mean_of(runs, images.images), images.labels)


def test_an_ensemble_predicts_the_calibrated_mean(sample_runs: Runs) -> None:
    ensemble, expected = load_ensemble(sample_runs), fitted(sample_runs)
    assert ensemble.info.temperature == pytest.approx(expected.temperature, abs=1e-5)
    assert ensemble.info.abstain_below == pytest.approx(expected.abstain_below, abs=1e-5)
    images = load_data("sample").test.images
    mean = apply_temperature(mean_of(sample_runs, images), expected.temperature)
    assert np.allclose(ensemble.predict(images), mean, atol=1e-5)
    single = load_predictor(sample_runs[0].folder).info
    assert ensemble.info.parameters == 2 * single.parameters and ensemble.info.passes == 2
    assert ensemble.info.labels == CLASS_NAMES and ensemble.info.recipe == "tiny"


def test_the_calibration_is_kept_in_the_cache(
    sample_runs: Runs, monkeypatch: pytest.MonkeyPatch, isolated_cache_dir: Path
) -> None:
    first = load_ensemble(sample_runs).info
    (path,) = (isolated_cache_dir.parent / "ensembles").iterdir()
    stored = json.loads(path.read_text())["document"]
    write_sealed(path, stored | {"temperature": 3.0})
    assert load_ensemble(sample_runs[::-1]).info.temperature == 3.0  # without data
    assert load_ensemble(sample_runs, load_data("sample")).info == first
    path.write_text(path.read_text().replace("3.0", "2.0", 1))  # not as it was written
    assert load_ensemble(sample_runs).info == first
    write_sealed(path, {"another": "version"})
    assert load_ensemble(sample_runs).info == first
    path.unlink()
    monkeypatch.setattr("ankleboot.evaluation.ensemble.dataset_for", no_data)
    with pytest.raises(DataError, match=r"cannot be loaded \(gone\); export the ensemble where"):
        load_ensemble(sample_runs)


def no_data(*_: object) -> None:
    raise DataError("gone")


def test_an_evaluation_is_of_the_mean_and_counts_for_every_model(sample_runs: Runs) -> None:
    test, ensemble = load_data("sample").test, load_ensemble(sample_runs)
    evaluation = evaluate(ensemble, split="test")
    is_correct = mean_of(sample_runs, test.images).argmax(axis=1) == test.labels
    assert evaluation.accuracy == pytest.approx(is_correct.mean())
    assert evaluation.cost.passes_per_view == evaluation.cost.passes_per_image == 2
    assert evaluation.num_test_evaluations == 1
    assert evaluate(sample_runs[0], split="test").num_test_evaluations == 2
    assert evaluate(ensemble, split="test").num_test_evaluations == 3  # the most of a model
    assert evaluate(sample_runs[1], split="test").num_test_evaluations == 3


def test_views_and_members_multiply(sample_runs: Runs) -> None:
    ensemble, images = load_ensemble(sample_runs), validation_of(sample_runs[0])
    plain = ensemble.predict(images.images)
    is_unsure = plain.max(axis=1) < 0.5
    mirrored = ensemble.predict(images.images[:, :, ::-1].copy())
    probs = np.where(is_unsure[:, None], (plain + mirrored) / 2, plain)
    evaluation = evaluate(ensemble, views="flip", views_below=0.5)
    assert 0 < is_unsure.sum() < len(images)
    assert evaluation.cost.views_per_image == pytest.approx(1 + is_unsure.mean())
    assert evaluation.cost.passes_per_image == pytest.approx(2 * (1 + is_unsure.mean()))
    accuracy = (probs.argmax(axis=1) == images.labels).mean()
    assert evaluation.accuracy == pytest.approx(accuracy)
    assert any("trained without flip" in sentence for sentence in evaluation.sentences)
    with pytest.raises(UsageError, match="unknown views"):
        evaluate(ensemble, split="test", views="rotate")
    assert evaluate(ensemble, split="test").num_test_evaluations == 1  # the refused one is none


def test_an_ensemble_is_compared_and_predicts_as_one_model(sample_runs: Runs) -> None:
    ensemble = load_ensemble(sample_runs)
    compared = compare([ensemble, sample_runs[0]])
    accuracies = {estimate.model: estimate.accuracy for estimate in compared.models}
    assert accuracies[ensemble.name] == evaluate(ensemble).accuracy
    images = load_data("sample").test.images[:3]
    predicted = ankleboot.predict(images, ensemble)
    rows = [list(one.probs.values()) for one in predicted if isinstance(one, Prediction)]
    assert np.allclose(rows, ensemble.predict(images))
    assert all(isinstance(one, Prediction) and one.passes == 2 for one in predicted)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("a", "b")}, r"different classes \(T-shirt/top, .*; a, b\); the models of an"),
        ({"reject_labels": ("Bag",)}, r"different reject labels \(none; Bag\)"),
        ({"image_size": 32, "crop": "none"}, r"different image specs \(gray 28 x 28, crop garment"),
        (
            {"data_sha256": "0" * 64, "data": "x"},
            r"training data \(unknown; x 00000000\)",
        ),
        (
            {"split_seed": 7, "split": "stratified"},
            r"different splits \(split=last, .*_seed=7",
        ),
        ({"adopted": "net.h5"}, r"adopted from net\.h5, so which images are new to it is unknown"),
        ({"model_sha256": "a"}, "are the same model; an ensemble needs different ones"),
    ],
)
def test_models_that_do_not_fit_together_are_refused(changes: dict[str, Any], message: str) -> None:
    probs = np.full((1, 10), 0.1, np.float32)
    first = FakePredictor(probs, ModelMetadata(model_sha256=changes.get("model_sha256", "")))
    second = FakePredictor(probs, replace(first.info, **changes))
    with pytest.raises(UsageError, match=message):
        load_ensemble([first, second], load_data("sample"))


def test_one_model_and_an_ensemble_of_ensembles_are_refused(sample_runs: Runs) -> None:
    with pytest.raises(UsageError, match="an ensemble has two or more models"):
        load_ensemble(sample_runs[:1])
    with pytest.raises(UsageError, match="name the models of this ensemble one by one"):
        load_ensemble([load_ensemble(sample_runs), sample_runs[0]])


def test_the_commands_take_members_and_views(
    sample_runs: Runs, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = (str(run.folder) for run in sample_runs)
    both = ["--ensemble-with", second, "--views", "flip", "--views-below", "1"]
    assert run_command(["evaluate", first, *both, "--json"]) == 0
    cost = {"passes_per_view": 2, "views_per_image": 2.0, "passes_per_image": 4.0}
    assert json.loads(capfd.readouterr().out)["cost"] == cost
    assert not (sample_runs[0].folder / "evaluation-validation.json").exists()
    line = "4.00 passes of a network per image (2 for a view, 2.00 views)\n"
    assert run_command(["evaluate", first, *both]) == 0
    assert line in capfd.readouterr().out
    folder = tmp_path / "images"
    export_images(load_data("sample").test, CLASS_NAMES, folder, 3)
    assert run_command(["predict", str(folder), "--model", first, *both, "--json"]) == 0
    out, err = capfd.readouterr()
    assert [json.loads(entry)["passes"] for entry in out.splitlines()] == [4, 4, 4]
    assert err.endswith(line) and "trained without flip" in err
    assert run_command(["predict", str(folder), "--model", first, "--views-below", "0.5"]) == 2
    assert "--views-below goes with --views" in capfd.readouterr().err


def test_a_run_keeps_its_own_evaluation(
    sample_runs: Runs, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = sample_runs[1].folder
    assert run_command(["evaluate", str(folder)]) == 0
    path = folder / "evaluation-validation.json"
    kept = path.read_text()
    assert run_command(["evaluate", str(folder), "--views", "flip", "--views-below", "1"]) == 0
    assert path.read_text() == kept and json.loads(kept)["cost"]["passes_per_image"] == 1
    assert "2.00 passes of a network per image" in capfd.readouterr().out
