"""`ankleboot predict`: JSON, CSV and table; exit codes; lists on standard input."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.export_images import export_images
from ankleboot.data.load import load_data
from helpers.images import scene


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    export_images(load_data("sample").test, CLASS_NAMES, folder, 20)
    return folder


def predict_json(
    capfd: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[dict[str, Any]], str]:
    code = run(["predict", "--json", *arguments])
    out, err = capfd.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_every_image_of_a_folder_is_labeled(
    image_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, entries, err = predict_json(capfd, str(image_folder))
    assert (code, err) == (0, "")
    names = [Path(entry["path"]).name for entry in entries]
    assert names == sorted(path.name for path in image_folder.iterdir())
    for entry in entries:
        assert set(entry) == {
            "path", "label", "index", "confidence", "probs", "none_of_these", "abstained", "reason",
            "cause", "passes", "garments", "similarity",
        }  # fmt: skip
        assert list(entry["probs"]) == list(CLASS_NAMES)
        assert sum(entry["probs"].values()) == pytest.approx(1, abs=1e-5)
        assert entry["label"] == CLASS_NAMES[entry["index"]]
        assert entry["confidence"] == max(entry["probs"].values())
        assert entry["confidence"] == entry["probs"][entry["label"]]
        assert entry["abstained"] == (entry["reason"] is not None)
    assert sum(entry["index"] == index % 10 for index, entry in enumerate(entries)) >= 16


def test_people_read_why_a_file_failed_and_where_to_look_next(
    image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = str(image_folder / "00009-ankle-boot.png")
    assert run(["predict", good, "gone.png"]) == 3
    assert capfd.readouterr().err == "error: gone.png: no such file\n"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(["predict", str(empty)]) == 3
    assert capfd.readouterr().err.startswith(f"error: {empty}: no images in this folder")
    assert run(["predict", "gone.png", "lost.png"]) == 3
    listed = "could not be read:\n  gone.png: no such file\n  lost.png: no such file\n"
    assert capfd.readouterr().err == f"{listed}error: 2 of 2 files could not be read\n"
    gray = tmp_path / "gray.png"
    Picture.new("L", (28, 28), 9).save(gray)
    assert run(["predict", good, str(gray)]) == 0
    assert "1 of 2 images without a reliable label: --save-steps DIR" in capfd.readouterr().err
    assert run(["predict", str(gray), "--csv"]) == 0
    assert capfd.readouterr().err == ""


def test_further_views_of_a_photo_are_counted_by_its_own_model(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two views of two networks were "4.00 views"; with --model photo the command failed."""
    path = tmp_path / "photo.png"
    Picture.fromarray(scene(0)[0]).save(path)
    every = ["--views-below", "1", str(path)]
    assert run(["predict", "--views", "flip", *every]) == 0
    assert "4.00 passes of a network per image (2 for a view, 2.00 views)" in capfd.readouterr().err
    assert run(["predict", "--model", "photo", "--views", "flip-shift", *every]) == 0
    assert "12.00 passes" in capfd.readouterr().err


def test_one_unreadable_file_does_not_stop_the_others(
    image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    names = [str(tmp_path / "bad.png"), str(image_folder / "00009-ankle-boot.png"), "gone.png"]
    code, entries, err = predict_json(capfd, *names)
    assert code == 3 and err == "error: 2 of 3 files could not be read\n"
    assert [entry["path"] for entry in entries] == names
    assert [set(entry) for entry in (entries[0], entries[2])] == [{"path", "error"}] * 2
    assert entries[1]["label"] == "Ankle boot"
    assert entries[2]["error"] == "no such file"


def test_an_empty_folder_does_not_stop_the_others(
    image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    names = (str(tmp_path / "empty"), "x" * 300, str(image_folder / "00001-trouser.png"))
    code, entries, _ = predict_json(capfd, *names)
    failed = [set(entry) == {"path", "error"} for entry in entries]
    assert code == 3 and failed == [True, True, False]
    assert "in this folder" in entries[0]["error"]


def test_paths_come_from_standard_input(
    image_folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(map(str, image_folder.iterdir()))[:3]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(names) + "\n\n"))
    code, entries, _ = predict_json(capfd, "-")
    assert code == 0 and [entry["path"] for entry in entries] == names
    for empty in (io.StringIO(""), None):
        monkeypatch.setattr(sys, "stdin", empty)
        assert run(["predict", "-"]) == 2
        assert "no path on standard input" in capfd.readouterr().err


def test_csv_has_a_line_for_every_file(
    image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / 'a "quoted", name\u202e.png'
    odd.write_bytes((image_folder / "00001-trouser.png").read_bytes())
    assert run(["predict", "--csv", str(odd), "gone.png"]) == 3
    rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert rows[0]["path"].endswith('a "quoted", name\\u202e.png')
    assert rows[0]["label"] == "Trouser" and float(rows[0]["Trouser"]) > 0.5
    assert rows[1]["error"] == "no such file" and rows[1]["label"] == ""


def test_the_table_marks_predictions_below_the_threshold(
    image_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", str(image_folder), "--abstain-below", "1"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 20 and sum("?  " in line for line in lines) >= 19
    names = sorted(map(str, image_folder.iterdir()))
    assert [line.rpartition("  ")[2] for line in lines] == names


def test_the_steps_of_equal_names_go_to_files_of_their_own(
    image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "00001-trouser.png").write_bytes((image_folder / "00001-trouser.png").read_bytes())
    paths = [str(image_folder / "00001-trouser.png"), str(copy)]
    assert run(["predict", "--json", *paths, "--save-steps", str(tmp_path / "steps")]) == 0
    names = sorted(path.name for path in (tmp_path / "steps").iterdir())
    assert names == ["00001-trouser-2.png", "00001-trouser.png"]
    assert len(capfd.readouterr().out.splitlines()) == 2


def test_json_and_csv_exclude_each_other(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "--json", "--csv", "x.png"]) == 2
    assert "exclude each other" in capfd.readouterr().err


def test_a_missing_argument_is_a_usage_error_of_one_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run(["predict"]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_a_progress_bar_leaves_the_results_on_stdout(tmp_path: Path) -> None:
    import pty

    export_images(load_data("sample").test, CLASS_NAMES, tmp_path / "p", 30)
    terminal, stderr = pty.openpty()
    with (tmp_path / "out.jsonl").open("wb") as out:
        command = [sys.executable, "-m", "ankleboot", "predict", "--json", str(tmp_path / "p")]
        assert subprocess.run(command, stdout=out, stderr=stderr, check=False).returncode == 0
    os.close(stderr)
    os.close(terminal)
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 30


def test_the_command_writes_strips_and_answers_photographs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Picture.fromarray(scene(1)[0]).save(tmp_path / folder / "shirt.jpg")
    pictures = [str(tmp_path / folder / "shirt.jpg") for folder in ("a", "b")]
    steps = tmp_path / "steps"
    assert run(["predict", "--json", "--save-steps", str(steps), *pictures]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["path"] for line in lines] == pictures
    for line in lines:
        total = sum(line["probs"].values()) + line["none_of_these"]
        assert total == pytest.approx(1, abs=1e-4) and list(line["probs"]) == list(CLASS_NAMES)
        assert line["index"] == CLASS_NAMES.index(line["label"])
    assert sorted(path.name for path in steps.iterdir()) == ["shirt-2.png", "shirt.png"]


# Case 43: an image on standard input


def predict_piped(content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    code = "import sys; from ankleboot.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "predict", "--json", *arguments, "-"]
    return subprocess.run(command, input=content, capture_output=True)


def test_a_piped_image_is_labeled(image_folder: Path) -> None:
    done = predict_piped((image_folder / "00001-trouser.png").read_bytes())
    entry = json.loads(done.stdout)
    assert done.returncode == 0 and entry["label"] == "Trouser"
    assert entry["path"] == "standard input"


def test_other_piped_bytes_are_one_clear_line() -> None:
    done = predict_piped(b"\x89PNG and then rubbish \x00\x01\xff\x1b[2J")
    assert done.returncode == 3 and done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("error: standard input: ") and "expected an image, or a list" in line
    assert line.isprintable()


# Images sorted into folders


def test_images_are_copied_into_folders_of_their_classes(
    image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in image_folder.iterdir()}
    (tmp_path / "bad.png").write_bytes(b"no image")
    target = tmp_path / "sorted"
    arguments = ("--sort-into", str(target), str(image_folder), str(tmp_path / "bad.png"))
    code, entries, err = predict_json(capfd, *arguments)
    assert code == 3 and f"{target}/predictions.csv: " in err
    assert {path: path.read_bytes() for path in image_folder.iterdir()} == before
    labels = {entry["path"]: entry for entry in entries if "label" in entry}
    rows = list(csv.DictReader(io.StringIO((target / "predictions.csv").read_text())))
    assert len(rows) == 20
    for row in rows:
        entry = labels[row["source"]]
        folder = "_unsure" if entry["abstained"] else entry["label"].replace("/", "-")
        assert row["label"] == entry["label"] and Path(row["path"]).parent.name == folder
        assert (target / row["path"]).read_bytes() == Path(row["source"]).read_bytes()
    data = load_data(target / "predictions.csv", for_training=False)
    assert len(data.train) == 20


def test_images_of_equal_names_are_numbered_and_may_be_links(
    image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "00001-trouser.png").write_bytes((image_folder / "00001-trouser.png").read_bytes())
    paths = [str(image_folder / "00001-trouser.png"), str(copy)]
    target = tmp_path / "sorted"
    assert run(["predict", *paths, "--sort-into", str(target), "--link"]) == 0
    links = sorted((target / "Trouser").iterdir())
    assert [path.name for path in links] == ["00001-trouser-2.png", "00001-trouser.png"]
    assert all(path.is_symlink() and path.is_file() for path in links)
    assert run(["predict", *paths, "--sort-into", str(target)]) == 2
    assert "not an empty folder; name another one" in capfd.readouterr().err
    assert run(["predict", *paths, "--link"]) == 2
    assert "--link goes with --sort-into" in capfd.readouterr().err
