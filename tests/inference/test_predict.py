"""`ankleboot predict`: an answer for every file, in order, whatever is wrong with the others."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import UsageError
from ankleboot.data.export_images import export_images
from ankleboot.data.load import load_data
from ankleboot.inference.predict import FailedImage, ModelRouter, Prediction, predict_files
from ankleboot.models.files.metadata import ModelMetadata
from helpers.predictors import FakePredictor


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    export_images(load_data("sample").test, CLASS_NAMES, folder, 20)
    return folder


def answers(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict], str]:  # type: ignore[type-arg]
    code = run(["predict", "--json", *arguments])
    out, err = capfd.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_a_folder_is_labelled(pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, found, err = answers(capfd, str(pictures))
    assert (code, err) == (0, "")
    assert [Path(one["path"]).name for one in found] == sorted(p.name for p in pictures.iterdir())
    for one in found:
        assert set(one) == {
            "path", "label", "index", "confidence", "probs", "none_of_these", "abstained", "reason",
            "cause",
        }  # fmt: skip
        assert list(one["probs"]) == list(CLASS_NAMES)
        assert sum(one["probs"].values()) == pytest.approx(1, abs=1e-5)
        assert one["label"] == CLASS_NAMES[one["index"]]
        assert one["confidence"] == max(one["probs"].values()) == one["probs"][one["label"]]
        assert one["abstained"] == (one["reason"] is not None)
    right = [one["index"] == place % 10 for place, one in enumerate(found)]
    assert sum(right) >= 16


def test_one_bad_file_does_not_stop_the_rest(
    pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    names = [str(tmp_path / "bad.png"), str(pictures / "00009-ankle-boot.png"), "gone.png"]
    code, found, err = answers(capfd, *names)
    assert code == 3 and err == "error: 2 of 3 files could not be read\n"
    assert [one["path"] for one in found] == names
    assert [set(one) for one in (found[0], found[2])] == [{"path", "error"}] * 2
    assert found[1]["label"] == "Ankle boot"
    assert found[2]["error"] == "no such file"


def test_lists_come_from_standard_input(
    pictures: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(map(str, pictures.iterdir()))[:3]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(names) + "\n\n"))
    code, found, _ = answers(capfd, "-")
    assert code == 0 and [one["path"] for one in found] == names
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run(["predict", "-"]) == 2
    assert "no path on standard input" in capfd.readouterr().err


def test_csv_has_a_line_for_every_file(
    pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / 'a "quoted", name\u202e.png'
    odd.write_bytes((pictures / "00001-trouser.png").read_bytes())
    assert run(["predict", "--csv", str(odd), "gone.png"]) == 3
    rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert rows[0]["path"].endswith('a "quoted", name\\u202e.png')
    assert rows[0]["label"] == "Trouser" and float(rows[0]["Trouser"]) > 0.5
    assert rows[1]["error"] == "no such file" and rows[1]["label"] == ""


def test_people_get_a_table(pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", str(pictures), "--abstain-below", "1"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["picture", "shows", "sure", "or", "else"]
    assert sum("? " in line for line in lines) >= 19  # all are guesses now


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_a_progress_bar_leaves_the_results_where_they_belong(tmp_path: Path) -> None:
    import pty
    import subprocess

    export_images(load_data("sample").test, CLASS_NAMES, tmp_path / "p", 30)
    terminal, stderr = pty.openpty()
    with (tmp_path / "out.jsonl").open("wb") as out:
        command = [sys.executable, "-m", "ankleboot", "predict", "--json", str(tmp_path / "p")]
        assert subprocess.run(command, stdout=out, stderr=stderr, check=False).returncode == 0
    os.close(stderr)
    os.close(terminal)
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 30


def test_an_empty_folder_does_not_stop_the_rest(
    pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    code, found, _ = answers(
        capfd, str(tmp_path / "empty"), "x" * 300, str(pictures / "00001-trouser.png")
    )
    assert code == 3 and [set(one) == {"path", "error"} for one in found] == [True, True, False]
    assert "no pictures in this folder" in found[0]["error"]


def test_json_and_csv_exclude_each_other(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "--json", "--csv", "x.png"]) == 2
    assert "exclude each other" in capfd.readouterr().err


def test_a_missing_path_is_a_slip(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["predict"]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


def fake(confidence: float, abstain_below: float) -> FakePredictor:
    probs = np.full((70, 10), (1 - confidence) / 9, np.float32)
    probs[:, 3] = confidence
    return FakePredictor(probs, ModelMetadata(abstain_below=abstain_below))


def test_unsure_answers_say_why(pictures: Path) -> None:
    paths = sorted(pictures.iterdir())[:2]
    first, _ = predict_files(ModelRouter(fake(0.5, 0.6)), paths)
    assert isinstance(first, Prediction)
    assert first.abstained and first.reason == "not sure of Dress"
    assert (first.label, first.index) == ("Dress", 3)
    first, _ = predict_files(ModelRouter(fake(0.5, 0.6)), paths, abstain_below=0.4)
    assert isinstance(first, Prediction) and not first.abstained and first.reason is None


def test_a_blank_picture_is_not_answered(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50), "white").save(tmp_path / "a.png")
    (only,) = predict_files(ModelRouter(fake(1.0, 0.1)), [tmp_path / "a.png"])
    assert isinstance(only, Prediction)
    assert only.abstained and only.reason == "the picture is of one color"


def test_batches_keep_the_order(tmp_path: Path, pictures: Path) -> None:
    good = sorted(pictures.iterdir())
    paths = [p for path in good * 7 for p in (path, tmp_path / "gone.png")]
    found = list(predict_files(ModelRouter(fake(0.9, 0.1)), iter(paths)))
    assert [one.path for one in found] == list(map(str, paths))
    assert sum(isinstance(one, FailedImage) for one in found) == len(paths) // 2


def test_pictures_are_written_class_by_class(pictures: Path) -> None:
    names = [path.name for path in sorted(pictures.iterdir())]
    assert names[:2] == ["00000-t-shirt-top.png", "00001-trouser.png"]
    assert names[9] == "00009-ankle-boot.png" and names[10] == "00010-t-shirt-top.png"
    with pytest.raises(UsageError, match="not empty"):
        export_images(load_data("sample").test, CLASS_NAMES, pictures, 1)
    with pytest.raises(UsageError, match="there are 500 images"):
        export_images(load_data("sample").test, CLASS_NAMES, pictures.parent / "more", 501)


def test_the_command_that_writes_pictures(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "p"
    arguments = ["data", "images", str(folder), "--data", "sample", "--count", "3", "--json"]
    assert run(arguments) == 0
    document = json.loads(capfd.readouterr().out)
    assert [Path(name).name for name in document["files"]] == sorted(
        path.name for path in folder.iterdir()
    )
    assert document["split"] == "test" and len(document["files"]) == 3
