"""`ankleboot pseudo-label` from end to end; colors stand for what the networks say."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot.cli.main import run as ankleboot
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.load import load_data
from ankleboot.models.backbones import efficientnet_lite
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.training import label_photos
from helpers.labeling import color_features

COLORS = {"blue": (20, 40, 200), "red": (200, 40, 20), "green": (20, 200, 40)}
NAMES = {"blue": 608, "red": 610, "green": 515}
"""What ImageNet calls them: jean, jersey, cowboy hat."""

LEAST = ("--min-confidence", "0.5")  # the eight classes that are absent take from the others


@pytest.fixture(autouse=True)
def colors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a color in place of each network; no TensorFlow and no weights are needed."""

    def names_of(features: np.ndarray, *_: Any, **__: Any) -> np.ndarray:
        probs = np.full((len(features), 1000), 1e-6)
        known = np.array(list(COLORS.values()))
        nearest = ((features[:, np.newaxis] - known) ** 2).sum(axis=2).argmin(axis=1)
        probs[np.arange(len(features)), np.array(list(NAMES.values()))[nearest]] = 0.9
        return probs

    def even(_: object) -> Any:
        class Even:
            def predict(self, images: np.ndarray) -> np.ndarray:
                return np.full((len(images), 10), 0.1, np.float32)

        return Even()

    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(label_photos, "backbone_features", color_features)
    monkeypatch.setattr(label_photos, "load_predictor", even)
    monkeypatch.setattr(efficientnet_lite, "imagenet_probs", names_of)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Colored squares on white, which is a plain background."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, number in (("blue", 12), ("red", 10), ("green", 8)):
        for index in range(number):
            pixels = np.full((40, 40, 3), 255, np.uint8)
            pixels[10:30, 12 : 28 - index % 3] = np.array(COLORS[name]) + index % 5
            Image.fromarray(pixels).save(folder / f"{name}{index}.png")
    return folder


def labeled(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert ankleboot(["pseudo-label", *map(str, arguments), "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def failure(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    capsys.readouterr()
    code = ankleboot(["pseudo-label", *map(str, arguments)])
    printed = capsys.readouterr()
    assert not printed.out
    return code, printed.err.splitlines()[-1]


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_is_written_that_train_can_read(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = labeled(capsys, photos, *LEAST)
    rows = rows_of(Path("pseudo_labels.csv"))
    assert {row["path"]: row["label"] for row in rows} == {
        **{f"photos/blue{i}.png": "Trouser" for i in range(12)},
        **{f"photos/red{i}.png": "T-shirt/top" for i in range(10)},
    }
    assert all(float(row["confidence"]) >= 0.5 for row in rows)
    assert document["num_images"] == 30 and document["num_labeled"] == len(rows) == 22
    assert document["classes"] == dict.fromkeys(CLASS_NAMES, 0) | {
        "Trouser": 12,
        "T-shirt/top": 10,
    }
    assert document["left_out"] == {
        "low confidence": 0,
        "something else": 8,
        "no garment found": 0,
        "unreadable": 0,
    }
    assert sum(document["frequencies"].values()) == pytest.approx(1)
    data = load_data("pseudo_labels.csv", image_spec=ImageSpec(64, color=True, crop="cut-out"))
    assert len(data.train) == 22 and data.class_names == ("T-shirt/top", "Trouser")


def test_people_read_the_counts_and_the_next_command(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ankleboot(["pseudo-label", "photos", "--output", "my labels.csv", *LEAST]) == 0
    printed = capsys.readouterr().out
    assert "my labels.csv: 22 of 30 photos have a label" in printed
    assert "left out: 8 something else" in printed
    assert "assumed share" in printed and "A class that is absent gets some photos" in printed
    command = "ankleboot train transfer --data 'my labels.csv' --set crop=cut-out"
    assert printed.splitlines()[-1] == f"next: {command}"


def test_paths_outside_of_the_tables_folder_are_whole(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tables").mkdir()
    labeled(capsys, photos, "--output", "tables/labels.csv")
    rows = rows_of(tmp_path / "tables/labels.csv")
    assert all(Path(row["path"]).is_absolute() for row in rows)
    spec = ImageSpec(64, color=True, crop="cut-out")
    assert len(load_data("tables/labels.csv", image_spec=spec).train) == len(rows)


def test_folders_that_overlap_count_once(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labeled(capsys, photos, photos.parent)["num_images"] == 30


def test_a_photo_without_a_garment_is_left_out(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (40, 40), "white").save(photos / "empty.png")
    document = labeled(capsys, photos, *LEAST)
    assert document["left_out"]["no garment found"] == 1
    assert "photos/empty.png" not in {row["path"] for row in rows_of(Path("pseudo_labels.csv"))}


def test_a_damaged_file_is_named_and_the_others_are_labeled(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert ankleboot(["pseudo-label", "photos", *LEAST]) == 3
    printed = capsys.readouterr()
    assert "22 of 31 photos have a label" in printed.out and "torn.png (" in printed.out
    assert printed.err.splitlines()[-1] == "error: 1 of 31 files could not be read"


def test_too_little_confidence_writes_no_table(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = failure(capsys, photos, "--min-confidence", "1")
    assert code == 3 and "no photo has a label with a confidence of 1 or more" in line
    assert not Path("pseudo_labels.csv").exists()


def test_a_table_is_never_replaced(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pseudo_labels.csv").write_text("mine")
    code, line = failure(capsys, photos)
    assert code == 2 and "exists already" in line
    assert Path("pseudo_labels.csv").read_text() == "mine"
    code, line = failure(capsys, photos, "--output", "gone/labels.csv")
    assert code == 2 and line.endswith("gone: no such folder for the table")


def test_folders_without_photos_are_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failure(capsys, "gone") == (2, "error: gone: no such folder")
    (tmp_path / "bare").mkdir()
    assert failure(capsys, "bare") == (2, "error: bare: no images in this folder")
    (tmp_path / "bare/torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    code, line = failure(capsys, "bare")
    assert code == 3 and "none of 1 images can be read" in line
    (tmp_path / "bare/torn.png").unlink()
    pixels = np.full((40, 40, 3), 255, np.uint8)
    pixels[10:30, 10:30] = 90
    Image.fromarray(pixels).save(tmp_path / "bare/one.png")
    code, line = failure(capsys, "bare")
    assert code == 3 and "photos with a garment on them: 1; 20 are needed" in line
