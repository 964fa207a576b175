"""The photo benchmark: its counts, by hand, and its command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from ankleboot.cli.main import run
from ankleboot.evaluation.photo_benchmark import METHODS
from ankleboot.evaluation.photo_kinds import GARMENT_KINDS, MAIN_KINDS, PHOTO_KINDS
from ankleboot.evaluation.photo_summary import (
    Photo,
    list_errors,
    risk_curve,
    summarize_kinds,
    summarize_method,
    summarize_rejection,
)
from ankleboot.inference.decide import Prediction
from helpers.images import scene


def photo(
    kind: str, label: str, confidence: float, none_of_these: float = 0.0, group: str = ""
) -> Photo:
    abstained = confidence < 0.5
    reason, cause = ("not sure", "unsure") if abstained else (None, None)
    prediction = Prediction("", label, 0, confidence, {}, none_of_these, abstained, reason, cause)
    pixels = np.zeros((2, 2, 3), np.uint8)
    return Photo(kind, pixels, None, {"photo": prediction}, group=group)


PHOTOS = [
    photo("t-shirt", "T-shirt/top", 0.9),
    photo("shoes", "Ankle boot", 0.8, 0.1),
    photo("dress", "Coat", 0.7),
    photo("dress", "Dress", 0.4, 0.3),
    photo("hat", "Bag", 0.3, 0.6),
    photo("skirt", "Dress", 0.9, 0.05),
]


def test_accuracy_and_coverage_count_photos_of_the_ten_classes() -> None:
    row = summarize_method("photo", PHOTOS)
    assert row["accuracy"]["share"] == 3 / 4 and row["answered"]["share"] == 3 / 4
    assert row["right_of_answered"]["share"] == 2 / 3
    assert row["by_kind"]["dress"] == row["by_kind"]["dress"] | {"share": 0.5, "num": 2}


def test_rejection_counts_photos_of_other_objects() -> None:
    rejection = summarize_rejection("photo", PHOTOS)
    assert rejection["declined"]["share"] == 1 / 2
    # reject scores of known photos: 0.1, 0.1, 0.3, 0.3 (1 - confidence where it is not estimated)
    assert rejection["auroc"] == pytest.approx((4 + 0) / 8)


def test_ten_kinds_count_declined_photos_and_neighbors_stand_apart() -> None:
    photos = [*PHOTOS, photo("hoodie", "Pullover", 0.9), photo("hoodie", "Coat", 0.4)]
    photos += [photo("body", "Dress", 0.3), photo("blouse", "Shirt", 0.9)]
    kinds = summarize_kinds("photo", photos)
    assert kinds["ten_kinds"]["share"] == 4 / 6  # three labels, and a hat that was declined
    shares = {name: row["right"]["share"] for name, row in kinds["neighbors"].items()}
    assert shares == {"hoodie": 0.5, "body": 1.0, "blouse": 1.0}
    assert kinds["neighbors"]["hoodie"]["answered"]["share"] == 0.5


def test_an_interval_over_photographers_is_wider_than_one_over_photos() -> None:
    """Ten photographers, five of whom are always right: ten pieces of evidence, not a hundred."""
    labels = ["T-shirt/top"] * 50 + ["Coat"] * 50
    alone = [photo("t-shirt", label, 0.9) for label in labels]
    grouped = [
        photo("t-shirt", label, 0.9, group=str(number // 10)) for number, label in enumerate(labels)
    ]
    widths = []
    for photos in (alone, grouped):
        low, high = summarize_method("photo", photos)["accuracy"]["ci95"]
        assert low <= 0.5 <= high
        widths.append(high - low)
    assert widths[1] > 2 * widths[0]


def test_every_kind_is_learned_declined_or_reported_apart() -> None:
    assert set(GARMENT_KINDS) < set(MAIN_KINDS) < set(PHOTO_KINDS) and len(MAIN_KINDS) == 10
    for name, kind in PHOTO_KINDS.items():
        assert not kind.labels or kind.learned_as in {*kind.labels, ""}, name
    assert {PHOTO_KINDS[name].learned_as for name in ("hat", "body")} == {"hat", "bodysuit"}


def test_the_risk_curve_starts_at_the_highest_confidence() -> None:
    risk = risk_curve("photo", PHOTOS)
    assert [round(error_rate, 3) for *_, error_rate in risk] == [0, 0, 0.333, 0.25]


def test_errors_are_wrong_labels_and_objects_that_were_not_rejected() -> None:
    assert [(kind, label) for _, kind, label in list_errors(PHOTOS)] == [
        ("dress", "Coat"),
        ("skirt", "Dress"),
    ]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two scenes in each of four folders, one of them foreign."""
    for kind, index in (("t-shirt", 0), ("pants", 1), ("shoes", 9), ("hat", 8)):
        place = tmp_path / "photos" / kind
        place.mkdir(parents=True)
        for seed in (0, 1):
            picture = Picture.fromarray(scene(index + 10 * seed, seed)[0])
            picture.save(place / f"{seed}.jpg", quality=95)
    return tmp_path / "photos"


def test_the_photo_benchmark_measures_every_method(
    folders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, senders = tmp_path / "out", tmp_path / "senders.csv"
    rows = [f"photos/{kind}/{seed}.jpg,{seed}" for kind in ("t-shirt", "pants") for seed in (0, 1)]
    senders.write_text("\n".join(["path,sender", *rows, "photos/dress/elsewhere.jpg,7"]))
    command = ["bench", "photos", "--photos", str(folders), "--output", str(out)]
    assert run([*command, "--groups", str(senders), "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document == json.loads((out / "photos.json").read_text())
    assert [row["name"] for row in document["methods"]] == list(METHODS)
    assert document["num_photos"] == 8 and document["num_senders"] == 2
    assert document["num_of_the_ten"] == 6
    for row in document["methods"]:
        assert set(row["by_kind"]) == {"t-shirt", "pants", "shoes"}
        assert row["accuracy"]["num"] == 6
        low, high = row["accuracy"]["ci95"]
        assert low <= row["accuracy"]["share"] <= high
    ours = {row["name"]: row["accuracy"]["share"] for row in document["methods"]}
    assert ours["cut-out"] > ours["grey"]
    assert {row["declined"]["num"] for row in document["declining"]} == {2}
    assert document["milliseconds"]["all of photo"]["p50"] > 0
    assert document["kinds"]["photo"]["ten_kinds"]["num"] == 8
    assert (out / "photos-wrong.png").is_file() and (out / "photos-risk.png").is_file()
    senders.write_text("path,group\nphotos/dress/elsewhere.jpg,7\n")
    assert run([*command, "--groups", str(senders)]) == 3
    assert "none of its paths leads to a photo" in capfd.readouterr().err
    assert run(["bench", "photos", "--photos", str(tmp_path / "out")]) == 3
    assert "no photos; expected folders named t-shirt, pants" in capfd.readouterr().err


def test_the_page_names_every_kind_with_its_labels() -> None:
    page = (Path(__file__).parents[2] / "docs/photos.md").read_text()
    section = page.split("## Kinds of photos")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    for name, kind in PHOTO_KINDS.items():
        (row,) = [row for row in rows if f"`{name}`" in row.split("|")[1]]
        assert all(label in row for label in kind.labels) and ("none" in row) != bool(kind.labels)
        assert ("apart" in row) == kind.is_neighbor
