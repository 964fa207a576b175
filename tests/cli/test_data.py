"""`ankleboot data`: what was understood, as a table, and conversion."""

import json
import re
from pathlib import Path

import pytest

from ankleboot.cli.main import run
from helpers.images import write_image_folder


@pytest.fixture(autouse=True)
def _cache(isolated_cache_dir: Path) -> None:
    pass


@pytest.fixture
def mri(tmp_path: Path) -> Path:
    for seed, part in enumerate(("Training", "Testing")):
        write_image_folder(tmp_path / "mri" / part, {"glioma": 4, "none": 3}, seed=seed)
    (tmp_path / "mri/labels").mkdir()
    return tmp_path / "mri"


def test_verify_shows_what_was_understood(
    mri: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"Training/{c}/{i}.png,p{i}" for c in ("glioma", "none") for i in range(3)]
    (tmp_path / "g.csv").write_text("\n".join(["path,group", *rows]))
    assert run(["data", "verify", "--data", str(mri), "--groups", str(tmp_path / "g.csv")]) == 0
    shown = capsys.readouterr()
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["class", "train", "test"] in lines and ["glioma", "4", "4"] in lines
    assert ["none", "3", "3"] in lines and ["total", "7", "7"] in lines
    assert "Testing/ as test, Training/ as train" in shown.out
    assert "validation: drawn from train by the recipe" in shown.out
    assert "3 groups\n" in shown.out
    assert "folders without images: 1 (labels)" in shown.err
    assert "images without a group: 1" in shown.err


def test_verify_shows_counts_and_then_what_rules_a_training_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_image_folder(tmp_path / "things", {"cup": 3, "fork": 1, "spoon": 3})
    (folder / "cup/bad.png").touch()
    assert run(["data", "verify", "--data", str(folder)]) == 3
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert ["cup", "3"] in [line.split() for line in lines]
    unreadable = "1 of 8 images cannot be read (--skip-bad leaves them out)"
    small = "fork has 1 training image, 2 are needed: add images to fork/ or remove it"
    assert lines[-2:] == ["1 unreadable", "  cup/bad.png (an empty file)"]
    assert shown.err.splitlines()[-1] == f"error: {folder}: {unreadable}; {small}"
    assert run(["data", "verify", "--data", str(folder), "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], document["faults"]) == (False, [unreadable, small])


def test_verify_says_left_out_of_unreadable_images_only_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_image_folder(tmp_path / "things", {"cup": 3, "spoon": 3})
    (folder / "cup/bad.png").touch()
    assert run(["data", "verify", "--data", str(folder)]) == 3
    assert "things/: unreadable images: 1 (cup/bad.png)\n" in capsys.readouterr().err
    assert run(["data", "verify", "--skip-bad", "--data", str(folder)]) == 0
    assert "things/: unreadable images, left out: 1 (cup/bad.png)\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("others", "found"), [(1, "1 other file, 1 pipe, device"), (2, "2 other files, 2 pipes, dev")]
)
def test_one_of_something_is_singular(
    others: int, found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_image_folder(tmp_path / "things", {"cup": 3, "spoon": 3})
    for number in range(others):
        (folder / f"note{number}.txt").touch()
        (folder / f"cup/up{number}").symlink_to(folder, target_is_directory=True)
    assert run(["data", "verify", "--data", str(folder)]) == 0
    assert f"\n{found}" in capsys.readouterr().out


def test_verify_of_one_class_counts_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_image_folder(tmp_path / "things", {"cup": 3})
    assert run(["data", "verify", "--data", str(folder)]) == 3
    shown = capsys.readouterr()
    assert ["cup", "3"] in [line.split() for line in shown.out.splitlines()]
    assert shown.err.endswith("two or more classes are needed, found one: cup\n")


def test_verify_shows_no_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_image_folder(tmp_path / "things", {"cup": 3, "spoon": 3})
    assert run(["data", "verify", "--data", str(folder)]) == 0
    shown = capsys.readouterr()
    assert not re.search(r"\b0\b", shown.out.replace(str(folder), ""))
    assert shown.out.endswith("every image can be read, none occurs more than once\n")
    assert "whole photo" in shown.err


def test_verify_in_json_holds_the_layout_and_the_notes(
    mri: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "verify", "--json", "--data", str(mri)]) == 0
    report = json.loads(capsys.readouterr().out)["folder_report"]
    assert report["layout"].startswith("Testing/ as test")
    assert report["notes"] == ["folders without images: 1 (labels)"]


def test_convert_writes_a_clean_folder(
    mri: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "convert", str(mri), str(tmp_path / "clean"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["images"] == {"train": 7, "test": 7}
    assert len(list(tmp_path.glob("clean/train/glioma/*.png"))) == 4
    assert run(["data", "convert", str(mri), str(tmp_path / "clean")]) == 2
    assert "exists already; name a new folder or file" in capsys.readouterr().err
