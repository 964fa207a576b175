"""A foreign file given to `evaluate`: examined as `adopt` does it, and nothing is kept."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.cli.main import run as run_command
from ankleboot.core.errors import ForeignModelError, ModelError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.adoption.adopt import adopt
from ankleboot.evaluation.compare import compare
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.evaluation.explain.explain import explain
from ankleboot.evaluation.report.write import write_report
from ankleboot.export.export import export_model
from ankleboot.inference.predict import predict
from helpers import foreign

pytestmark = pytest.mark.usefixtures("isolated_state_dir", "in_process")

Files = foreign.ForeignFiles


@pytest.fixture
def temp_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of its own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(
    "name",
    [
        *("shuffled.keras", "saved_model"),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("leaky-logits-byte.keras", "old.h5")
        ),
    ],
)
def test_a_foreign_file_is_judged_with_its_own_accuracy_and_leaves_nothing(
    name: str,
    files: Files,
    data: Dataset,
    temp_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = files[name]
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    before = sorted(file.path.parent.rglob("*"))
    evaluation = evaluate(file.path, data)
    assert evaluation.accuracy == float((file.predicted == data.test.labels).mean())
    assert evaluation.model == str(file.path) and evaluation.split == "test"
    found, trial, split = evaluation.notes
    assert "is the best of 15 conventions tried" in trial
    assert found.startswith(f"{name} is examined, not adopted") and file.outputs in found
    assert ("another order" in found) == (name == "shuffled.keras")
    assert "was trained elsewhere" in split
    assert sorted(file.path.parent.rglob("*")) == before
    assert list(temp_dir.iterdir()) == list(Path().iterdir()) == []


def test_test_evaluations_of_a_foreign_file_are_counted_by_its_content(
    files: Files, data: Dataset, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.keras"
    copy.write_bytes(files["byte.keras"].path.read_bytes())
    counts = [
        evaluate(path, data).num_test_evaluations for path in (files["byte.keras"].path, copy)
    ]
    assert counts == [1, 2]
    assert evaluate(files["plain.keras"].path, data).num_test_evaluations == 1


def test_a_foreign_file_is_compared_with_a_run(files: Files, data: Dataset) -> None:
    file = files["logits.keras"]
    compared = compare([file.path, "pretrained"], data)
    expected = float((file.predicted == data.test.labels).mean())
    assert compared.models[0].model == str(file.path)
    assert compared.models[0].accuracy == expected and compared.split == "test"
    assert "is examined, not adopted" in compared.sentences[0]


def test_the_command_prints_what_was_tried(
    files: Files, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = files["byte.keras"]
    lines: list[str] = []
    monkeypatch.setattr("ankleboot.cli.output.terminal.log_line", lines.append)
    assert run_command(["evaluate", str(file.path), "--data", "sample", "--json"]) == 0
    assert "trying it on images" in lines[0]
    accuracies = lines[1].partition("accuracy on 2,000 training images: ")[2].split(", ")
    assert accuracies[0].startswith("byte ") and len(accuracies) == 15
    document = json.loads(capsys.readouterr().out)
    assert document["model"] == str(file.path) and "(ankleboot adopt" in document["notes"][0]


def test_a_convention_that_is_not_found_is_the_error_of_adopt(
    base: Any, data: Dataset, temp_dir: Path, tmp_path: Path
) -> None:
    path, pair = tmp_path / "pair.keras", foreign.pair_data(data)
    foreign.pair_model(base, activation="sigmoid").save(path)
    messages = []
    for judge in (adopt, evaluate):
        with pytest.raises(UsageError) as error:
            judge(path, pair)
        messages.append(str(error.value))
    assert "--input" in messages[0]
    assert messages[1] == f"{messages[0]} (options of ankleboot adopt {path})"
    assert list(temp_dir.iterdir()) == []


def test_a_damaged_or_hostile_file_is_refused_as_before(tmp_path: Path, data: Dataset) -> None:
    path = tmp_path / "evil.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 40)
    with pytest.raises(ModelError, match=str(path)):
        evaluate(path, data)
    path = tmp_path / "short.keras"
    path.write_bytes(b"PK")
    with pytest.raises(ModelError, match="incomplete or damaged"):
        evaluate(path, data)


def test_other_commands_refuse_a_foreign_file(files: Files, data: Dataset, tmp_path: Path) -> None:
    path = files["logits.keras"].path
    for use in (
        lambda: predict(data.test.images[:1], path),
        lambda: explain(path, ["test:0"], data=data),
        lambda: write_report(path, tmp_path / "report.html", data),
        lambda: export_model(path, "litert", tmp_path / "m.tflite", data),
    ):
        with pytest.raises(ForeignModelError, match=f"ankleboot adopt {path}"):
            use()
    assert np.all([entry.suffix != ".html" for entry in tmp_path.iterdir()])
