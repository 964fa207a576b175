"""Evaluation of whole splits, against hand-made predictions and simulation."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.types import Labels, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.evaluation.evaluate import TEST_SIZES, Evaluation, evaluate, evaluate_probs
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from helpers.predictors import FakePredictor


def evaluation_of(probs: Probs, labels: Labels) -> Evaluation:
    return evaluate_probs(probs, labels, CLASS_NAMES, {}, model="x", data="x", split="validation")


@pytest.mark.usefixtures("isolated_state_dir")
def test_a_perfect_and_a_uniform_predictor() -> None:
    sample = load_data("sample")
    perfect = evaluate(FakePredictor(np.eye(10)[sample.test.labels]), sample, split="test")
    assert (perfect.accuracy, perfect.loss, perfect.brier, perfect.ece) == (1.0, 0.0, 0.0, 0.0)
    assert perfect.metrics == {"balanced_accuracy": 1.0, "macro_f1": 1.0}
    assert np.array(perfect.confusion_matrix).trace() == perfect.num_examples == 500
    assert perfect.confusions == ()
    uniform = evaluate(FakePredictor(np.full((500, 10), 0.1)), sample, split="test")
    assert uniform.accuracy == 0.1 and uniform.top2_accuracy == 0.2
    assert uniform.loss == pytest.approx(np.log(10)) and uniform.brier == pytest.approx(0.9)
    assert uniform.accuracy_ci95[0] < 0.1 < uniform.accuracy_ci95[1]
    assert uniform.metrics["balanced_accuracy"] == pytest.approx(0.1)
    assert uniform.confusions[0] == (50, "Trouser", "T-shirt/top")


@pytest.mark.usefixtures("isolated_state_dir")
def test_an_incomplete_test_split_is_refused() -> None:
    sample = load_data("sample")
    incomplete = replace(sample, test=sample.test.take(np.arange(499)))
    with pytest.raises(DataError, match="has 500 images, got 499"):
        evaluate(FakePredictor(np.full((499, 10), 0.1)), incomplete, split="test")


def test_the_test_split_of_the_real_data_has_ten_thousand_images() -> None:
    assert TEST_SIZES["fashion-mnist"] == 10_000


def test_a_model_is_evaluated_on_the_data_it_was_trained_on(calibrated_run: Run) -> None:
    """The bars of the tests are no data set by name, so only the message shows which one it is."""
    with pytest.raises(UsageError, match="bars"):
        evaluate(calibrated_run)


@pytest.mark.usefixtures("isolated_state_dir")
def test_a_run_its_folder_and_its_model_file_have_one_evaluation(
    calibrated_run: Run, bar_data: Dataset
) -> None:
    by_run = evaluate(calibrated_run, bar_data)
    assert by_run.accuracy > 0.9 and by_run.data == "bars" and by_run.num_examples == 128
    for model in (calibrated_run.folder, str(calibrated_run.folder), calibrated_run.model_path):
        assert evaluate(model, bar_data).loss == pytest.approx(by_run.loss, rel=1e-6)


def test_an_evaluation_is_one_line_a_table_and_a_document(
    calibrated_run: Run, bar_data: Dataset
) -> None:
    evaluation = evaluate(calibrated_run, bar_data)
    assert repr(evaluation).startswith("Evaluation(model ") and "\n" not in repr(evaluation)
    assert f"{100 * evaluation.accuracy:.2f} %" in evaluation._repr_html_()
    document = evaluation.to_json()
    assert document["test_reads"] == evaluation.num_test_evaluations
    assert "num_test_evaluations" not in document
    assert json.loads(json.dumps(document))["confusion_matrix"][0][0] > 0


def test_metrics_are_chosen_by_name_or_given_as_functions(
    calibrated_run: Run, bar_data: Dataset
) -> None:
    def always_seven(probs: Probs, labels: Labels) -> float:
        return 7.0

    named = evaluate(calibrated_run, bar_data, metrics=["macro_f1"])
    assert list(named.metrics) == ["macro_f1"]
    given = evaluate(calibrated_run, bar_data, metrics={"seven": always_seven})
    assert given.metrics == {"seven": 7.0} == given.to_json()["metrics"]
    with pytest.raises(UsageError, match="unknown metric 'f1'"):
        evaluate(calibrated_run, bar_data, metrics=["f1"])


@pytest.mark.usefixtures("isolated_state_dir")
def test_the_command_prints_the_metrics_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own_metrics.py").write_text(
        "def error_rate(probs, labels):\n    return (probs.argmax(axis=1) != labels).mean()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    command = ["evaluate", "pretrained", "--data", "sample", "--split", "test"]
    own = "own_metrics:error_rate"
    out = ["--output", str(tmp_path / "out")]
    assert run([*command, "--metric", own, "--metric", "macro_f1", "--json", *out]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["metrics"][own] == pytest.approx(1 - document["accuracy"])
    assert 0.9 < document["metrics"]["macro_f1"] <= 1
    assert json.loads((tmp_path / "out/evaluation-test.json").read_text()) == document
    assert (tmp_path / "out/confusion-test.png").stat().st_size > 5_000
    assert run(command) == 0
    printed = capfd.readouterr().out
    assert "balanced accuracy 0.9" in printed and "macro f1 0.9" in printed
    assert "evaluations of this model on the test split: 2" in printed
    assert run([*command, "--metric", "f1"]) == 2
    assert "valid: balanced_accuracy, macro_f1" in capfd.readouterr().err


def test_the_command_keeps_the_result_in_the_run_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A result on other data than the run's own does not belong there."""
    folder = tmp_path / "run"
    shutil.copytree(catalog.FOLDER, folder)
    kept = folder / "evaluation-test.json"
    kept.unlink()
    assert run(["evaluate", str(folder), "--data", "sample", "--split", "test"]) == 0
    assert not kept.exists()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["data"]["name"] = "sample"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert run(["evaluate", str(folder), "--data", "sample", "--split", "test", "-v"]) == 0
    assert kept.exists() and str(kept) in capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_the_interval_of_the_calibration_error_covers_it(gap: float) -> None:
    """Two classes, so that the truth is known: at confidence 0.8 the accuracy is 0.8 - gap."""
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        confidence = generator.uniform(0.7, 0.99, 1_000)
        probs = np.zeros((1_000, 10))
        probs[:, 0], probs[:, 1] = confidence, 1 - confidence
        labels = (generator.random(1_000) > confidence - gap).astype(int)
        evaluation = evaluation_of(probs, labels)
        low, high = evaluation.ece_ci95
        assert low <= evaluation.ece <= high
        covered += low <= gap <= high
    assert covered >= 90
