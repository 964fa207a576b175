"""Fashion-MNIST is known by its content: Kaggle tables, IDX files under other names (13, 14)."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.fashion_mnist import find_idx, recognize
from ankleboot.data.fashion_mnist.load import FASHION_MNIST, SAMPLE, SAMPLE_FOLDER
from ankleboot.data.load import load_data
from ankleboot.recipes.image_spec import ImageSpec


@pytest.fixture(autouse=True)
def _cache(isolated_cache_dir: Path) -> None:
    pass


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return load_data("sample")


def write_csv(path: Path, part: LabeledImages, order: np.ndarray | None = None) -> Path:
    """A table as Kaggle has it: the label, and 784 pixels."""
    rows = np.column_stack([part.labels, part.images.reshape(len(part), -1)])
    header = ",".join(["label", *(f"pixel{i}" for i in range(1, 785))])
    rows = rows if order is None else rows[order]
    np.savetxt(path, rows, "%d", delimiter=",", header=header, comments="")
    return path


@pytest.fixture(scope="module")
def kaggle(sample: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kaggle")
    write_csv(folder / "fashion-mnist_test.csv", sample.test)
    return write_csv(folder / "fashion-mnist_train.csv", sample.train)


def same(a: Dataset, b: Dataset) -> bool:
    pairs = zip((a.train, a.test), (b.train, b.test), strict=True)
    return a.sha256 == b.sha256 and all(
        np.array_equal(x.images, y.images) and np.array_equal(x.labels, y.labels) for x, y in pairs
    )


def test_the_table_is_the_data_set_bit_by_bit(kaggle: Path, sample: Dataset) -> None:
    data = load_data(kaggle)
    assert (data.name, data.source) == ("sample", str(kaggle))
    assert data.class_names == sample.class_names and same(data, sample)
    shape = (len(sample.train), 28, 28)
    np.savez(
        kaggle.with_name("d.npz"),
        x_train=data.train.images.reshape(*shape, 1),
        y_train=data.train.labels,
        x_test=data.test.images,
        y_test=data.test.labels,
    )
    assert same(load_data(kaggle.with_name("d.npz")), sample)


def test_the_order_of_the_rows_does_not_matter(
    sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Kaggle's table, whose rows are shuffled."""
    places = {
        split: np.array(sorted(range(len(part)), key=lambda i, p=part: _key(p, i)))  # type: ignore[misc]
        for split, part in (("train", sample.train), ("test", sample.test))
    }
    monkeypatch.setattr(recognize, "_row_order", lambda: places)
    for split, part in (("train", sample.train), ("test", sample.test)):
        order = np.random.default_rng(3).permutation(len(part))
        write_csv(tmp_path / f"fashion-mnist_{split}.csv", part, order)
    assert same(load_data(tmp_path / "fashion-mnist_train.csv"), sample)
    assert same(load_data(tmp_path), load_data(tmp_path)) is True


def _key(part: LabeledImages, i: int) -> bytes:
    import hashlib

    return hashlib.sha256(part.images[i].tobytes() + bytes([part.labels[i]])).digest()


def test_the_shipped_order_holds_each_place_once() -> None:
    order = recognize._row_order()
    assert sorted(order["train"].tolist()) == list(range(FASHION_MNIST[0].count))
    assert sorted(order["test"].tolist()) == list(range(FASHION_MNIST[2].count))


def test_one_other_pixel_is_another_data_set(sample: Dataset, tmp_path: Path) -> None:
    images = sample.train.images.copy()
    images[5, 5, 5] ^= 1
    data = load_data(write_csv(tmp_path / "x.csv", LabeledImages(images, sample.train.labels)))
    assert data.name == "x.csv" and data.class_names == tuple(map(str, range(10)))
    assert data.folder_report is not None
    assert data.folder_report.layout == "arrays of 28 x 28 pixels (train 2,000 images)"


def test_a_table_without_its_test_images_has_none(
    kaggle: Path, tmp_path: Path, sample: Dataset
) -> None:
    shutil.copy(kaggle, tmp_path / kaggle.name)
    lines: list[str] = []
    data = load_data(tmp_path / kaggle.name, progress=lines.append)
    assert data.name == "sample" and len(data.test) == 0
    assert lines == [
        f"{tmp_path / kaggle.name}: sample, known by its pixels; it has no test images"
    ]
    assert data.train_sha256 == sample.train_sha256


def test_the_test_images_are_no_training_images(kaggle: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="a test split by its name; give .*fashion-mnist_train.csv"
    ):
        load_data(kaggle.with_name("fashion-mnist_test.csv"))
    shutil.copy(kaggle.with_name("fashion-mnist_test.csv"), tmp_path / "mine.csv")
    with pytest.raises(UsageError, match="these are the test images of sample"):
        load_data(tmp_path / "mine.csv")


def test_the_known_data_set_has_its_own_image_spec(kaggle: Path) -> None:
    with pytest.raises(UsageError, match="28 x 28 pixels, not color 64 x 64"):
        load_data(kaggle, image_spec=ImageSpec(64, color=True, crop="none"))


def test_pixels_of_tables_are_checked(sample: Dataset, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "x.csv", sample.train.take(np.arange(20)))
    lines = path.read_text().splitlines()
    for wrong, message in (("300", "values from 0 to 300"), ("abc", "numbers from 0 to 255")):
        fields = lines[3].split(",")
        path.write_text("\n".join([*lines[:3], ",".join([*fields[:-1], wrong]), *lines[4:]]))
        with pytest.raises(DataError, match=message):
            load_data(path)


# Case 14: IDX files


@pytest.fixture
def idx(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The raw bytes of the sample's files, which stand for those of the data set."""
    monkeypatch.setattr("ankleboot.data.fashion_mnist.load.FASHION_MNIST", SAMPLE)
    monkeypatch.setattr("ankleboot.data.fashion_mnist.recognize.KNOWN", {"fashion-mnist": SAMPLE})
    return {f.name: gzip.decompress((SAMPLE_FOLDER / f"{f.name}.gz").read_bytes()) for f in SAMPLE}


def test_idx_files_are_known_by_their_first_bytes(
    idx: dict[str, bytes], tmp_path: Path, sample: Dataset
) -> None:
    names: dict[str, Callable[[str], str]] = {
        "dots": lambda name: name.replace("-idx", ".idx"),
        "folders": lambda name: f"{name}/{name}",
        "numbers": lambda name: f"{sorted(idx).index(name)}.bin",
        "packed": lambda name: f"{name}.bin",
    }
    for kind, rename in names.items():
        for name, content in idx.items():
            path = tmp_path / kind / rename(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(content) if kind == "packed" else content)
        data = load_data(tmp_path / kind)
        assert data.name == "fashion-mnist" and same(data, sample), kind
    assert same(load_data(tmp_path / "dots/train-images.idx3-ubyte"), sample)


def test_other_content_is_a_data_set_of_ones_own(
    idx: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where the name says Fashion-MNIST, other content is an error."""
    for name, content in idx.items():
        (tmp_path / name.replace("-idx", ".idx")).write_bytes(
            content[:-1] + bytes([content[-1] ^ 1])
        )
    data = load_data(tmp_path, image_spec=ImageSpec(crop="none"))
    assert data.name == f"{tmp_path.name}/" and data.folder_report
    assert data.folder_report.notes == (
        "not Fashion-MNIST, by its content; the classes are the labels 0 to 9",
    )
    monkeypatch.setenv("ANKLEBOOT_DATA", str(tmp_path))
    with pytest.raises(DataError, match="train-images.idx3-ubyte.*sha256"):
        load_data()


def test_files_of_other_kinds_are_no_idx_files(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"\x00")
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8bnothing")
    assert not find_idx.has_idx_header(tmp_path)


def test_the_table_and_the_files_give_the_same_run(kaggle: Path, tmp_path: Path) -> None:
    """The manifest's data and split are equal, so that every weight is."""
    from helpers.images import TINY

    first, second = load_data(kaggle), load_data("sample")
    splits = [data.split(TINY.split_rule).sha256 for data in (first, second)]
    assert splits[0] == splits[1] and first.train_sha256 == second.train_sha256
