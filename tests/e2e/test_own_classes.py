"""A model of one's own pictures, from the folder to the phone: every command, end to end."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.core.errors import DataError, UsageError
from ankleboot.inference.decide import Prediction
from ankleboot.inference.load import load_predictor
from ankleboot.inference.predict import predict_files
from ankleboot.inference.router import ModelRouter
from helpers.images import write_image_folder

NAMES = ("<u>&amp; $x$", "[red]line\\nbreak", "plain")
FOLDERS = {"<u>&amp; $x$": 30, "[red]line\nbreak": 30, "plain": 30}
RECIPE = ["blocks=1", "filters=4", "dense_units=0", "batch_size=10", "epochs=3", "seed=1"]
CROP = ["crop=none", "image_size=32", "color=true"]
SETTINGS = [part for setting in (*RECIPE, *CROP) for part in ("--set", setting)]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANKLEBOOT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes with odd names, and no part for validation."""
    folder = tmp_path_factory.mktemp("own") / "colors"
    write_image_folder(folder / "train", FOLDERS, size=(24, 40))
    return write_image_folder(
        folder / "test", {name: 4 for name in FOLDERS}, size=(24, 40), seed=1
    ).parent


@pytest.fixture(scope="module")
def own_run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    arguments = ["train", "plain", "--data", str(pictures), "--run-dir", str(folder), *SETTINGS]
    assert ankleboot(arguments) == 0
    return folder


def json_of(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    capsys.readouterr()
    assert ankleboot([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def error_of(capsys: pytest.CaptureFixture[str], code: int, *arguments: str | Path) -> str:
    capsys.readouterr()
    assert ankleboot([*map(str, arguments)]) == code
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("error: ")
    return said[-1]


def test_a_run_knows_its_pictures_and_is_judged_without_being_told(
    own_run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((own_run / "manifest.json").read_text())
    assert manifest["data_source"] == str(pictures.resolve())
    assert tuple(manifest["labels"]) == NAMES
    assert manifest["image_counts"]["test/plain"]["count"] == 4
    for split, number in (("validation", 18), ("test", 12)):
        found = json_of(capsys, "evaluate", own_run, "--split", split)
        assert found["num_examples"] == number and found["data"] == "colors/"
        assert np.shape(found["confusion_matrix"]) == (3, 3) and found["accuracy"] > 0.8
        assert tuple(one["label"] for one in found["per_class"]) == NAMES
        assert (own_run / f"confusion-{split}.png").is_file()
    assert ankleboot(["evaluate", str(own_run), "-v"]) == 0
    said = capsys.readouterr().out
    assert said.count("[red]line") >= 2 and "<u>" in said  # in both tables; names are no markup


def test_the_report_escapes_names_and_says_what_the_model_is_for(
    own_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = json_of(capsys, "report", own_run)
    text = Path(said["path"]).read_text()
    assert "<u>" not in text
    assert "&lt;u&gt;&amp;amp; $x$" in text and "line\nbreak" not in text
    assert "the whole photo, color 32 x 32 pixels" in text
    assert "body shapes" not in text  # Fashion-MNIST's card
    assert "data:image/jpeg;base64," in text
    assert not any("T-shirt" in sentence for sentence in said["sentences"])


def test_explanations_are_as_large_as_the_images(
    own_run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = pictures / "test/plain/0.png"
    found = json_of(capsys, "explain", own_run, picture, "test:3", "--output", tmp_path / "out")
    assert found["images"][0]["label"] == "plain"
    assert all(Path(one["picture"]).is_file() for one in found["images"])
    assert {one["label"] for one in found["images"][0]["nearest"]} <= set(NAMES)


@pytest.mark.parametrize("format", ["litert", "litert-int8", "onnx"])
def test_an_exported_file_labels_pictures(
    format: str,
    own_run: Path,
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / ("m.onnx" if format == "onnx" else "m.tflite")
    found = json_of(capsys, "export", own_run, "--format", format, "--output", path)
    assert found["parity"]["num_examples"] == 12 and found["parity"]["split"] == "test"
    predictor = load_predictor(path)
    assert predictor.info.labels == NAMES
    assert str(predictor.info.image_spec) == "color 32 x 32"
    files = sorted((pictures / "test").rglob("*.png"))
    answers = list(predict_files(ModelRouter(predictor), files))
    reference = list(predict_files(ModelRouter(load_predictor(own_run)), files))
    for one, other in zip(answers, reference, strict=True):
        assert isinstance(one, Prediction) and isinstance(other, Prediction)
        assert one.label == other.label
        assert list(one.probs.values()) == pytest.approx(list(other.probs.values()), abs=0.1)
    found = json_of(capsys, "evaluate", path, "--data", pictures)
    assert found["num_examples"] == 18


def test_a_finished_model_is_judged_on_a_new_folder(
    own_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 05; the folder has the name of the old one, fewer classes, and one image of a class."""
    new = write_image_folder(
        tmp_path / "colors", {"<u>&amp; $x$": 3, "[red]line\nbreak": 1}, seed=7
    )
    found = json_of(capsys, "evaluate", own_run, "--data", new)
    assert (found["split"], found["num_examples"]) == ("new", 4)
    assert [one["support"] for one in found["per_class"]] == [3, 1, 0]
    assert found["per_class"][2]["recall"] is None and found["accuracy"] == 1
    assert not list(own_run.glob("evaluation-new*.json"))
    assert ankleboot(["evaluate", str(own_run), "--data", str(new), "-v"]) == 0
    output = capsys.readouterr().out
    assert "colors/ is new to the model: all of its 4 images are judged" in output
    assert "No new image of plain" in output and " - " in output
    found = json_of(capsys, "compare", own_run, own_run / "best.keras", "--data", new)
    assert (found["split"], found["num_examples"]) == ("new", 4)
    page = tmp_path / "report.html"
    found = json_of(capsys, "report", own_run, "--data", new, "--output", page)
    assert (found["split"], found["num_examples"]) == ("new", 4)
    file = tmp_path / "m.tflite"
    found = json_of(
        capsys, "export", own_run, "--format", "litert", "--output", file, "--data", new
    )
    assert found["parity"]["split"] == "new" and found["parity"]["num_examples"] == 4


def test_training_images_in_a_new_folder_are_left_out(
    own_run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = write_image_folder(tmp_path / "mixed", {"plain": 2}, size=(24, 40), seed=9)
    for path in (pictures / "train/plain").glob("*.png"):
        shutil.copy(path, new / "plain" / f"old-{path.name}")
    found = json_of(capsys, "evaluate", own_run, "--data", new)
    assert found["num_examples"] < 32 and "which are left out" in found["sentences"][0]


def test_a_run_continues_with_another_class(
    own_run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 30: more classes; without RECIPE that of the parent run."""
    more = Path(shutil.copytree(pictures, tmp_path / "more"))
    write_image_folder(more / "train", {"zebra": 20}, size=(24, 40), seed=4)
    run = tmp_path / "child"
    arguments = ["--from", own_run, "--data", more, "--set", "epochs=1", "--run-dir", run]
    assert ankleboot(["train", *map(str, arguments)]) == 0
    err = capsys.readouterr().err
    assert "new are logits, as the classes are others" in err
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["parent"]["run"] == str(own_run.resolve())
    assert manifest["recipe"]["batch_size"] == 10 and manifest["recipe"]["epochs"] == 1
    child = tmp_path / "again"  # more epochs on the data of the run
    arguments = ["--from", run, "--set", "epochs=1", "--run-dir", child]
    assert ankleboot(["train", *map(str, arguments)]) == 0
    assert "layers taken" in capsys.readouterr().err
    assert json.loads((child / "manifest.json").read_text())["data_source"] == str(more.resolve())


@pytest.mark.slow
@pytest.mark.parametrize("format", ["litert-fp16", "onnx-int8", "openvino", "saved-model"])
def test_every_other_format_too(
    format: str, own_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suffix = {"litert-fp16": ".tflite", "onnx-int8": ".onnx"}.get(format, "")
    path = tmp_path / f"model{suffix}"
    found = json_of(capsys, "export", own_run, "--format", format, "--output", path)
    assert found["parity"]["num_examples"] == 12
    images = np.zeros((3, 32, 32, 3), np.uint8)
    assert load_predictor(path).predict(images).shape == (3, 3)


def test_the_web_page_knows_the_classes_and_the_size(
    own_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("ankleboot.export.litertjs.install_runtime", lambda folder: None)
    arguments: list[str | Path] = ["export", own_run, "--format", "web"]
    arguments += ["--output", tmp_path / "web"]
    assert json_of(capsys, *arguments)["parity"]["num_examples"] == 12
    read = json.loads((tmp_path / "web/models.json").read_text())
    assert read["page"] == {"kind": "own", "samples": False}
    assert list(read["models"]) == ["default"]
    usual = read["models"]["default"]
    assert (usual["labels"], usual["reject_labels"]) == (list(NAMES), [])
    assert (usual["image_size"], usual["color"], usual["crop"]) == (32, True, "none")
    assert load_predictor(tmp_path / "web").info.labels == NAMES


def test_the_best_epochs_file_knows_its_classes_too(own_run: Path) -> None:
    info = load_predictor(own_run / "best.keras").info
    assert info.labels == NAMES and info.image_size == 32 and info.temperature == 1


def test_models_of_other_sizes_are_compared_on_the_same_pictures(
    own_run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "small"
    settings = [*SETTINGS, "--run-dir", str(other)]
    settings = [part.replace("=32", "=16").replace("=true", "=false") for part in settings]
    assert ankleboot(["train", "plain", "--data", str(pictures), *settings]) == 0
    found = json_of(capsys, "compare", own_run, other)
    assert found["num_examples"] == 18 and len(found["pairs"][0]["per_class"]) == 3


def test_other_classes_are_refused(
    own_run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = error_of(capsys, 2, "evaluate", "pretrained", "--data", pictures)
    assert "the model's classes are T-shirt/top, Trouser" in said and "those of colors/" in said
    said = error_of(capsys, 2, "evaluate", own_run, "--data", "sample")
    assert "Fashion-MNIST has gray images of 28 x 28 pixels, not color 32 x 32" in said


# What changes after training


@pytest.fixture
def moved(own_run: Path, pictures: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Copies of run and pictures that belong together."""
    folder, run = tmp_path / "colors", tmp_path / "run"
    shutil.copytree(pictures, folder)
    shutil.copytree(own_run, run)
    path = run / "manifest.json"
    path.write_text(path.read_text().replace(str(pictures.resolve()), str(folder.resolve())))
    return run, folder


def test_a_folder_that_changed_is_said_in_numbers(
    moved: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run, folder = moved
    assert ankleboot(["evaluate", str(run)]) == 0
    write_image_folder(folder / "train", {"plain": 32}, size=(24, 40), seed=7)
    shutil.rmtree(folder / "test" / "plain")
    for words in (["evaluate"], ["train", "--resume"], ["report"]):
        said = error_of(capsys, 3, *words, run)
        assert "test/plain had 4 images and has 0; " in said.replace(", ", "; ")
        assert "train/plain had 30 images and has 32" in said
    os.rename(folder, folder.with_name("elsewhere"))
    said = error_of(capsys, 2, "evaluate", run)
    assert (
        f"trained on {folder.resolve()}, which is not there any more" in said and "--data" in said
    )


def test_other_pictures_of_the_same_number_are_noticed(
    moved: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run, folder = moved
    shutil.copy(folder / "train/plain/0.png", folder / "train/plain/1.png")
    said = error_of(capsys, 3, "evaluate", run)
    assert "train/plain has other files among its 30" in said


def test_without_a_test_part_there_is_no_test_and_exports_are_checked_on_validation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_image_folder(tmp_path / "two", {"a": 12, "b": 12})
    run = tmp_path / "run"
    arguments = ["--data", str(folder), "--run-dir", str(run), *SETTINGS]
    assert ankleboot(["train", "plain", *arguments]) == 0
    for command in ("evaluate", "report"):
        said = error_of(capsys, 3, command, run, "--split", "test")
        assert "two/ has no test split; take --split validation" in said
    assert not (run / "test_reads.json").exists()
    found = json_of(capsys, "export", run, "--format", "litert-int8")
    assert found["parity"]["split"] == "validation" and found["parity"]["num_examples"] == 5
    assert not (run / "test_reads.json").exists()


def test_a_run_that_skipped_bad_pictures_goes_on_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_image_folder(tmp_path / "two", {"a": 12, "b": 12})
    (folder / "a/bad.png").touch()
    run = tmp_path / "run"
    arguments = ["train", "plain", "--data", str(folder), "--run-dir", str(run), *SETTINGS]
    assert "a/bad.png (an empty file)" in error_of(capsys, 3, *arguments)
    assert ankleboot([*arguments, "--skip-bad"]) == 0
    assert "unreadable images, left out: 1 (a/bad.png)" in capsys.readouterr().err
    assert ankleboot(["evaluate", str(run)]) == 0


# data verify and its neighbours


def test_verify_counts_everything(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "colors"
    shutil.copytree(pictures, folder)
    shutil.copy(folder / "train/plain/0.png", folder / "test/plain/leak.png")
    shutil.copy(folder / "train/plain/1.png", folder / f"train/{list(FOLDERS)[0]}/two.png")
    (folder / "train/plain/bad.png").touch()
    assert "1 of 105 images cannot be read" in error_of(
        capsys, 3, "data", "verify", "--data", folder
    )
    found = json_of(capsys, "data", "verify", "--data", folder, "--skip-bad")
    assert (found["train"], found["test"], found["ok"]) == (91, 13, True)
    told = found["folder_report"]
    assert told["counts"]["test"] == {NAMES[0]: 4, NAMES[1]: 4, "plain": 5}
    assert told["leakage"] == [["test/plain/leak.png", "train/plain/0.png"]]
    assert told["conflicts"] == [[f"train/{NAMES[0]}/two.png", "train/plain/1.png"]]
    assert told["unreadable"] == {"train/plain/bad.png": "an empty file"}
    assert told["smallest"] == told["largest"] == [24, 40]
    assert ankleboot(["data", "verify", "--data", str(folder), "--skip-bad"]) == 0
    said = capsys.readouterr()
    assert "1 of them in more than one split" in said.out and "[red]line" in said.out
    assert "leakage" in said.err
    strict = error_of(capsys, 3, "data", "verify", "--data", folder, "--skip-bad", "--strict")
    assert "more than one split (leakage): 1" in strict


def test_images_of_a_folder_are_written_as_the_shipped_model_sees_them(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json_of(capsys, "data", "images", tmp_path / "out", "--data", pictures, "--count", "6")
    assert len(found["files"]) == 6 and all(Path(path).is_file() for path in found["files"])


def test_python_refuses_images_of_another_kind(pictures: Path, tmp_path: Path) -> None:
    from ankleboot.data.load import load_data
    from ankleboot.recipes.catalog import PLAIN
    from ankleboot.training.trainer import fit

    data = load_data(str(pictures), image_spec=load_predictor(Path("pretrained")).info.image_spec)
    assert data.image_shape == (28, 28)
    with pytest.raises(UsageError, match="load it with recipe.image_spec"):
        from dataclasses import replace

        fit(replace(PLAIN, image_size=32, crop="none"), data, tmp_path / "run")
    with pytest.raises(DataError):
        load_data(str(pictures / "train" / "plain"))
