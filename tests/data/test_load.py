"""Data sets by name: plugins, trust, the data of a run, and the record of a data set."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import DataError, ModelError, UsageError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.fashion_mnist.load import SAMPLE, SAMPLE_FOLDER
from ankleboot.data.load import load_data, load_training_data, training_data_name
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.image_spec import ImageSpec
from helpers.images import write_image_folder
from helpers.run_folders import MANIFEST

MODULE = """
import numpy as np
from ankleboot.data.dataset import Dataset, LabeledImages

def load(image_spec):
    images = np.zeros((20, *image_spec.image_shape), np.uint8)
    part = LabeledImages(images, np.arange(20) % 2)
    return Dataset("any", part, part, "drawn", {"train": "a", "test": "b"}, ("left", "right"))

def load_three(image_spec):
    data = load(image_spec)
    return Dataset("any", data.train, data.test, "drawn", {}, ("only",))

def load_nothing(image_spec):
    return 3
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a module with data sets."""
    (tmp_path / "own_data.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "own_data"


def run_of(folder: Path, dataset: Dataset, **more: Any) -> Run:
    """Write the files of a run that name its data."""
    folder.mkdir()
    manifest = MANIFEST | {
        "data": {"name": dataset.name, "train_sha256": dataset.train_sha256},
        "data_source": dataset.source,
        **more,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "recipe.json").write_text(json.dumps(PLAIN.to_json()))
    return Run(folder)


def test_an_import_string_loads_a_data_set_that_keeps_its_name(plugin: str) -> None:
    data = load_data(f"{plugin}:load")
    assert data.name == "own_data:load" and data.source == "drawn"
    assert data.image_shape == (28, 28)
    spec = ImageSpec(16, color=True, crop="none")
    assert load_data(f"{plugin}:load", image_spec=spec).image_shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("load_nothing", UsageError, "expected a Dataset, got int"),
        ("load_three", DataError, "labels from 0 to 0"),
        ("missing", UsageError, "no such attribute"),
    ],
)
def test_a_plugin_that_returns_something_else_is_refused(
    plugin: str, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        load_data(f"{plugin}:{name}")


def test_code_from_outside_needs_trust_only_where_a_run_names_it(
    plugin: str, tmp_path: Path
) -> None:
    name = f"{plugin}:load"
    run = run_of(tmp_path / "run", load_data(name))
    assert training_data_name(run) == name
    with pytest.raises(ModelError, match="pass --trust"):
        load_training_data(run)
    with pytest.raises(ModelError, match="pass --trust"):
        load_data(name, trust=False)
    assert load_training_data(run, trust=True).name == name
    assert load_training_data(run, name).name == name  # the user typed the name


def test_the_data_of_a_run_is_found_again(tmp_path: Path, isolated_cache_dir: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 4, "dog": 4})
    pets, sample = load_data(str(folder)), load_data("sample")
    run = run_of(tmp_path / "a", pets, image_counts=pets.image_counts)
    assert training_data_name(run) == str(folder)
    assert load_training_data(run).train_sha256 == pets.train_sha256
    assert training_data_name(run_of(tmp_path / "b", sample)) == "sample"
    named = {"name": "fashion-mnist", "train_sha256": "0" * 64}
    idx: dict[str, Any] = {"data": named, "data_source": str(tmp_path)}
    assert training_data_name(run_of(tmp_path / "c", sample, **idx)) == str(tmp_path)
    cached = idx | {"data_source": str(isolated_cache_dir)}
    assert training_data_name(run_of(tmp_path / "d", sample, **cached)) == "fashion-mnist"


def test_unreadable_images_stay_left_out_after_the_training(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 4, "dog": 4})
    (folder / "cat/empty.png").touch()
    pets = load_data(str(folder), skip_bad=True)
    known: dict[str, Any] = {"image_counts": pets.image_counts}
    with pytest.raises(DataError, match="cannot be read"):
        load_training_data(run_of(tmp_path / "a", pets, **known, num_unreadable=0))
    run = run_of(tmp_path / "b", pets, **known, num_unreadable=1)
    assert len(load_training_data(run).train) == 8
    assert load_training_data(run, "sample").name == "sample"


def test_a_changed_folder_is_refused_for_its_run(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 4, "dog": 4})
    pets = load_data(str(folder))
    run = run_of(tmp_path / "run", pets, image_counts=pets.image_counts)
    (folder / "cat/0.png").unlink()
    with pytest.raises(DataError, match="train/cat had 4 images and has 3"):
        load_training_data(run)


@pytest.mark.parametrize("option", ["skip_bad", "strict"])
def test_options_of_image_folders_are_refused_elsewhere(option: str) -> None:
    with pytest.raises(
        UsageError, match="--skip-bad, --strict and --groups are for images of your own"
    ):
        load_data("sample", **{option: True})  # type: ignore[arg-type]


def test_an_existing_folder_is_no_import_string(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image_folder(tmp_path / "pets:load", {"cat": 4, "dog": 4})
    assert load_data("pets:load").class_names == ("cat", "dog")


def test_the_variable_names_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLEBOOT_DATA", str(tmp_path / "missing"))
    with pytest.raises(UsageError, match="ANKLEBOOT_DATA=.*missing: no such folder"):
        load_data()
    monkeypatch.setenv("ANKLEBOOT_DATA", str(SAMPLE_FOLDER))
    monkeypatch.setattr("ankleboot.data.fashion_mnist.load.FASHION_MNIST", SAMPLE)
    assert load_data().source == os.fspath(SAMPLE_FOLDER)


def test_a_data_set_is_a_record(tmp_path: Path) -> None:
    data = load_data("sample")
    expected = "Dataset(name sample, train 2,000, test 500, classes 10, image_shape 28 x 28)"
    assert repr(data) == expected
    assert "<td>2,000</td>" in data._repr_html_()
    document = json.loads(json.dumps(data.to_json()))
    assert (document["train"], document["test"], document["ok"]) == (2_000, 500, True)
    assert "folder_report" not in document and data.image_counts == {}
    pets = load_data(str(write_image_folder(tmp_path / "pets", {"cat": 3, "dog": 4})))
    counts = json.loads(json.dumps(pets.to_json()))["folder_report"]["counts"]
    assert counts == {"train": {"cat": 3, "dog": 4}}
    assert {key: entry["count"] for key, entry in pets.image_counts.items()} == {
        "train/cat": 3,
        "train/dog": 4,
    }


def test_a_contiguous_selection_is_a_view() -> None:
    images = np.arange(5 * 28 * 28, dtype=np.uint8).reshape(5, 28, 28)
    part = LabeledImages(images, np.arange(5), ("a", "b", "c", "d", "e"))
    view, copy = part.take(np.array([1, 2, 3])), part.take(np.array([0, 2]))
    assert np.shares_memory(view.images, images) and not np.shares_memory(copy.images, images)
    assert copy.names == ("a", "c") and copy.labels.tolist() == [0, 2]
    assert part.name(1) == "b" and LabeledImages(images, np.arange(5)).name(1) == "Image 1"


# Case 20: paths as users write them


def test_a_path_may_be_a_string_a_path_or_begin_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_image_folder(tmp_path / "pets", {"cat": 2, "dog": 2})
    for name in ("~/pets", Path("~/pets"), tmp_path / "pets", str(tmp_path / "pets")):
        assert load_data(name).name == "pets/"


# Case 36: data that moved


def test_data_that_moved_are_said_to_be_those_of_the_run(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 4, "dog": 4})
    pets = load_data(folder)
    run = run_of(tmp_path / "run", pets, image_counts=pets.image_counts)
    folder.rename(tmp_path / "moved")
    with pytest.raises(UsageError) as raised:
        load_training_data(run)
    message = str(raised.value)
    assert f"{run.folder} was trained on {folder}, which is not there any more" in message
    assert "--data" in message
    assert load_training_data(run, str(tmp_path / "moved")).train_sha256 == pets.train_sha256


# Case 07: runs keep the order of their classes


def test_a_run_from_before_keeps_the_order_of_its_classes(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "digits", {str(i): 2 for i in range(12)})
    digits = load_data(folder)
    assert digits.class_names == tuple(map(str, range(12)))
    old = sorted(digits.class_names)  # 0 1 10 11 2
    run = run_of(tmp_path / "run", digits, image_counts=digits.image_counts, labels=old)
    data = load_training_data(run)
    assert list(data.class_names) == old and data.train_sha256 == digits.train_sha256
    for a, b in zip(data.train.labels, digits.train.labels, strict=True):
        assert data.class_names[a] == digits.class_names[b]
    assert digits.in_class_order(("other", "names")) is digits


def test_the_groups_of_a_run_are_loaded_again(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 4, "dog": 4})
    rows = [f"{name}/{i}.png,p{i}" for name in ("cat", "dog") for i in range(4)]
    (tmp_path / "groups.csv").write_text("\n".join(["path,group", *rows]))
    pets = load_data(folder, groups=tmp_path / "groups.csv")
    known: dict[str, Any] = {"image_counts": pets.image_counts, "group_file": pets.group_file}
    run = run_of(tmp_path / "run", pets, **known)
    again = load_training_data(run)
    assert again.train_sha256 == pets.train_sha256 and again.num_named_groups == 4
    assert again.split(PLAIN.split_rule).sha256 == pets.split(PLAIN.split_rule).sha256
    with pytest.raises(DataError, match=r"4 named groups are now 0 \(--groups\)"):
        load_training_data(run, str(folder))
