"""Corrected labels: what a label file changes, and what it never changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.label_file import HEADER
from ankleboot.data.load import load_data
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.split_rule import SplitRule
from helpers.images import write_image_folder

SPEC = ImageSpec(16, color=True, crop="none")
RULE = SplitRule(split="stratified")


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pets"
    write_image_folder(folder / "train", {"cat": 12, "dog": 12, "owl": 12})
    write_image_folder(folder / "test", {"cat": 3, "dog": 3, "owl": 3}, seed=1)
    return folder


def write_labels(path: Path, **labels: str) -> Path:
    """Write decisions; underscores in the names of images stand for slashes."""
    lines = [f"{name.replace('__', '/')}.png,{label},x," for name, label in labels.items()]
    path.write_bytes(HEADER + "".join(f"{line}\n" for line in lines).encode())
    return path


def label_of(data: Dataset, name: str) -> str:
    return data.class_names[int(data.train.labels[data.train.names.index(name)])]


def test_the_last_line_about_an_image_counts(pets: Path, tmp_path: Path) -> None:
    path = write_labels(
        tmp_path / "l.csv", train__cat__0="dog", train__cat__1="", train__dog__0="dog"
    )
    with path.open("a") as file:
        file.write("train/cat/0.png,owl,dog,\n")
    before = load_data(str(pets), image_spec=SPEC)
    data = load_data(str(pets), image_spec=SPEC, labels=path)
    assert label_of(data, "train/cat/0.png") == "owl"
    changes = data.label_changes
    assert changes is not None
    assert [data.train.names[i] for i in changes.changed] == ["train/cat/0.png"]
    assert [data.train.names[i] for i in changes.unusable] == ["train/cat/1.png"]
    assert changes.num_confirmed == 1
    assert changes.to_json()["num_changed"] == 1
    np.testing.assert_array_equal(changes.original, before.train.labels)
    assert data.train_sha256 == before.train_sha256  # the images are the same


def test_no_image_moves_to_the_other_side_of_the_split(pets: Path, tmp_path: Path) -> None:
    before = load_data(str(pets), image_spec=SPEC)
    names = before.train.names
    validating = names[before.split(RULE).validation[0]]
    training = names[before.split(RULE).train[0]]
    path = tmp_path / "l.csv"
    others = [name for name in names if name.startswith("train/owl")]
    lines = [f"{name},cat,owl,\n" for name in others]
    path.write_text(HEADER.decode() + f"{validating},,x,\n{training},,x,\n" + "".join(lines))
    after = load_data(str(pets), image_spec=SPEC, labels=path).split(RULE)
    split = before.split(RULE)
    assert {names[i] for i in split.validation} - {names[i] for i in after.validation} == {
        validating
    }
    assert {names[i] for i in split.train} - {names[i] for i in after.train} == {training}
    assert after.sha256 != split.sha256


def test_the_test_split_keeps_its_labels_and_says_so(pets: Path, tmp_path: Path) -> None:
    path = write_labels(tmp_path / "l.csv", test__cat__0="dog", train__cat__0="dog", gone="dog")
    before = load_data(str(pets), image_spec=SPEC)
    data = load_data(str(pets), image_spec=SPEC, labels=path)
    np.testing.assert_array_equal(data.test.labels, before.test.labels)
    assert data.label_changes is not None
    assert data.label_changes.notes == (
        "l.csv: 1 test image keeps its label (test/cat/0.png)",
        "l.csv: 1 image is not in pets/ (gone.png)",
    )


def test_a_file_of_other_data_is_refused(pets: Path, tmp_path: Path) -> None:
    path = write_labels(tmp_path / "l.csv", a="dog", b="cat")
    with pytest.raises(DataError, match="names no image of pets/, but a.png, b.png"):
        load_data(str(pets), image_spec=SPEC, labels=path)


def test_a_class_that_the_data_lack_is_refused(pets: Path, tmp_path: Path) -> None:
    path = write_labels(tmp_path / "l.csv", train__cat__0="dogg")
    with pytest.raises(DataError, match="unknown class 'dogg' .did you mean dog"):
        load_data(str(pets), image_spec=SPEC, labels=path)


def test_data_without_files_are_refused(tmp_path: Path) -> None:
    path = write_labels(tmp_path / "l.csv", a="Bag")
    with pytest.raises(UsageError, match="sample has no image files that a line could name"):
        load_data("sample", labels=path)


def test_a_split_without_images_is_an_error(pets: Path, tmp_path: Path) -> None:
    data = load_data(str(pets), image_spec=SPEC)
    chosen = data.split(RULE).validation
    path = tmp_path / "l.csv"
    path.write_bytes(HEADER + "".join(f"{data.train.names[i]},,x,\n" for i in chosen).encode())
    with pytest.raises(DataError, match="0 validation images are left after"):
        load_data(str(pets), image_spec=SPEC, labels=path).split(RULE)


def test_another_order_of_the_classes_keeps_the_corrections(pets: Path, tmp_path: Path) -> None:
    """A run may have its own order; `load_training_data` applies it before the labels."""
    from ankleboot.data.labels import correct_labels

    path = write_labels(tmp_path / "l.csv", train__cat__0="dog")
    data = load_data(str(pets), image_spec=SPEC)
    turned = replace(data).in_class_order(("owl", "dog", "cat"))
    assert label_of(correct_labels(turned, path), "train/cat/0.png") == "dog"


def test_a_label_file_of_new_images_is_a_table_of_data(tmp_path: Path) -> None:
    """As `ankleboot label --new` leaves it: the last decision counts, unusable images are out."""
    write_image_folder(tmp_path / "new", {"some": 9})
    lines = [f"some/{i}.png,{'cat' if i % 2 else 'dog'},,\n" for i in range(9)]
    lines += ["some/0.png,cat,dog,\n", "some/8.png,,dog,\n"]
    path = tmp_path / "new" / "labels.csv"
    path.write_text(HEADER.decode() + "".join(lines))
    data = load_data(str(path), image_spec=SPEC)
    assert len(data.train) == 8 and "some/8.png" not in data.train.names
    assert label_of(data, "some/0.png") == "cat" and label_of(data, "some/2.png") == "dog"
