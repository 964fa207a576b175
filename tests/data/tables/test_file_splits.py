"""Files of the splits beside a file, of every kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.tables.file_splits import check_shards, files_of_splits
from ankleboot.data.tables.sources import read_source
from helpers.images import write_image_folder


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def names(path: Path) -> dict[str, list[str]]:
    return {split: [p.name for p in files] for split, files in files_of_splits(path).items()}


@pytest.mark.parametrize(
    "files",
    [
        ("Train.csv", "Test.csv"),
        ("training.jsonl", "testing.jsonl"),
        ("fashion-mnist_train.csv", "fashion-mnist_test.csv"),
        ("pets_trn.zip", "pets_holdout.zip"),
        ("train2017.npz", "test2017.npz"),
    ],
)
def test_files_of_the_splits_are_known_by_their_names(
    files: tuple[str, str], tmp_path: Path
) -> None:
    touch(tmp_path, *files, "other_test.csv", "test.md", "notes.csv")
    assert names(tmp_path / files[0]) == {"train": [files[0]], "test": [files[1]]}
    with pytest.raises(
        UsageError, match=f"a test split by its name; give .*{files[0]} to train on"
    ):
        files_of_splits(tmp_path / files[1])


def test_other_names_are_alone(tmp_path: Path) -> None:
    touch(tmp_path, "labels.csv", "Labels.csv", "labels_test.csv")
    assert names(tmp_path / "labels.csv") == {"train": ["labels.csv"]}
    assert names(tmp_path / "labels_test.csv") == {"train": ["labels_test.csv"]}


def test_two_files_of_a_split_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "train.csv", "val.csv", "dev.csv")
    with pytest.raises(DataError, match=r"several files of validation \(dev.csv, val.csv\)"):
        files_of_splits(tmp_path / "train.csv")


def test_all_shards_are_read_or_the_missing_named(tmp_path: Path) -> None:
    shards = [f"train-0000{i}-of-00003.parquet" for i in range(3)]
    touch(tmp_path, shards[0], shards[2], "test-00000-of-00001.parquet")
    with pytest.raises(DataError, match=f"2 of 3 files of train; missing beside it: {shards[1]}"):
        files_of_splits(tmp_path / shards[0])
    touch(tmp_path, shards[1])
    assert names(tmp_path / shards[1])["train"] == shards
    assert names(tmp_path / shards[1])["test"] == ["test-00000-of-00001.parquet"]
    check_shards([tmp_path / "a-1-of-2.npz", tmp_path / "a-2-of-2.npz"])  # counted from 1


# Contents of them


def csv_file(path: Path, lines: list[str]) -> Path:
    path.write_text("path,label\n" + "".join(f"{line}\n" for line in lines))
    return path


def splits(path: Path) -> dict[str, int]:
    listing = read_source(path).listing
    assert listing is not None
    found: dict[str, int] = {}
    for image in listing.images:
        found[image.split] = found.get(image.split, 0) + 1
    return found


def test_tables_of_the_splits_are_read_in_any_case(tmp_path: Path) -> None:
    write_image_folder(tmp_path, {"cat": 3, "dog": 3})
    lines = [f"{p.relative_to(tmp_path)},{p.parent.name}" for p in sorted(tmp_path.rglob("*.png"))]
    csv_file(tmp_path / "Test.csv", lines[2:4])
    assert splits(csv_file(tmp_path / "Train.csv", lines[:2] + lines[4:])) == {
        "train": 4,
        "test": 2,
    }


def arrays(path: Path, **other: Any) -> Path:
    x, y = np.arange(6 * 25, dtype=np.uint8).reshape(6, 5, 5), np.arange(6) % 2
    content: dict[str, Any] = {"x": x, "y": y} | other
    np.savez(path, **content)
    return path


def test_arrays_of_the_splits_are_read(tmp_path: Path) -> None:
    train = arrays(tmp_path / "train.npz")
    arrays(tmp_path / "test.npz")
    assert splits(train) == splits(tmp_path) == {"train": 6, "test": 6}


def test_arrays_that_are_not_used_are_named(tmp_path: Path) -> None:
    x = np.zeros((6, 5, 5), np.uint8)
    listing = read_source(arrays(tmp_path / "d.npz", x_extra=x, ids=np.arange(6))).listing
    assert listing is not None and listing.notes == ("arrays not used: x_extra, ids",)
    named = read_source(arrays(tmp_path / "e.npz", x_dev=x, y_dev=np.arange(6) % 2)).listing
    assert named is not None and named.notes == ()
    assert splits(tmp_path / "e.npz") == {"train": 6, "validation": 6}


def test_a_split_of_another_name_beside_a_file_is_noted(tmp_path: Path) -> None:
    train = arrays(tmp_path / "train.npz")
    touch(tmp_path, "test_images.npy", "notes.csv")
    listing = read_source(train).listing
    assert listing is not None and listing.notes == ("beside it, not used: test_images.npy",)


def test_names_of_the_classes_are_taken_from_an_archive(tmp_path: Path) -> None:
    path = arrays(tmp_path / "d.npz", class_names=np.array(["hen", "cat"]))
    listing = read_source(path).listing
    assert listing is not None and listing.class_names == ("cat", "hen")
    assert listing.images[0].class_name == "hen"
    assert listing.notes == ("classes named by class_names, from 0",)
