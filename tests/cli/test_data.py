"""`ankleboot data`: what was understood, as a table, and conversion."""

import json
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
    assert "3 groups, 0 of them in more than one split" in shown.out
    assert "folders without images: 1 (labels)" in shown.err
    assert "images without a group: 1" in shown.err


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
