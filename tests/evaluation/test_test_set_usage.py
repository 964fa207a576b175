"""Counts of evaluations on the test set."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import ModelError
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.evaluation.explain.explain import explain
from ankleboot.evaluation.report.write import write_report
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from helpers.predictors import FakePredictor

pytestmark = pytest.mark.usefixtures("isolated_state_dir")


@pytest.fixture
def run_copy(calibrated_run: Run, tmp_path: Path) -> Run:
    shutil.copytree(calibrated_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def test_a_run_and_its_model_file_share_a_count(run_copy: Run) -> None:
    assert count_evaluation(run_copy, "validation") == 0
    assert [count_evaluation(run_copy, "test") for _ in range(3)] == [1, 2, 3]
    assert count_evaluation(run_copy.folder, "validation") == 3
    assert count_evaluation(run_copy.model_path, "validation") == 3


def test_a_model_outside_a_run_is_known_by_its_content(run_copy: Run, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "model.keras"
    alone.parent.mkdir()
    shutil.copyfile(run_copy.model_path, alone)
    assert count_evaluation(alone, "test") == 1
    renamed = alone.rename(alone.with_name("renamed.keras"))
    assert count_evaluation(renamed, "test") == 2
    assert count_evaluation(run_copy, "validation") == 0


def test_a_predictor_is_known_by_the_hash_of_its_model() -> None:
    first, second = (
        FakePredictor(np.eye(10), ModelMetadata(model_sha256=digest)) for digest in ("a", "b")
    )
    assert count_evaluation(first, "test") == 1
    assert (
        count_evaluation(first, "validation") == 1 and count_evaluation(second, "validation") == 0
    )


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"other": 1}', '{"test_reads": "many"}', '{"test_reads": -1}']
)
def test_a_damaged_count_is_refused(run_copy: Run, content: str) -> None:
    (run_copy.folder / "test_reads.json").write_text(content)
    with pytest.raises(ModelError, match="test_reads.json: cannot be used"):
        count_evaluation(run_copy, "validation")


def test_python_functions_count_evaluations_as_commands_do(
    run_copy: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    assert evaluate(run_copy, bar_data).num_test_evaluations == 0
    assert evaluate(run_copy, bar_data, split="test").num_test_evaluations == 1
    explain(run_copy, ["train:3"], methods=["occlusion"], data=bar_data)
    assert count_evaluation(run_copy, "validation") == 1
    explain(run_copy, ["test:3", "test:4"], methods=["occlusion"], data=bar_data)
    assert count_evaluation(run_copy, "validation") == 2
    write_report(run_copy, tmp_path / "report.html", bar_data, split="test")
    assert json.loads((run_copy.folder / "test_reads.json").read_text()) == {"test_reads": 3}
