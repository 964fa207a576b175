"""IDX files of other data sets than Fashion-MNIST: MNIST, KMNIST, EMNIST, own ones."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import DataError
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import is_image_folder, load_data
from ankleboot.recipes.image_spec import ImageSpec

RNG = np.random.default_rng(0)
IMAGES, LABELS = "{}images-idx3-ubyte", "{}labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def _cache(isolated_cache_dir: Path) -> None:
    pass


def write(
    folder: Path,
    prefix: str,
    labels: Sequence[int],
    shape: tuple[int, int] = (28, 28),
    names: tuple[str, str] = (IMAGES, LABELS),
    suffix: str = "",
) -> np.ndarray:
    """Write a file of images and one of labels; return the pixels."""
    pixels = RNG.integers(0, 256, (len(labels), *shape), np.uint8)
    contents = (
        np.array([2051, len(labels), *shape], ">u4").tobytes() + pixels.tobytes(),
        np.array([2049, len(labels)], ">u4").tobytes() + bytes(labels),
    )
    folder.mkdir(exist_ok=True)
    for name, content in zip(names, contents, strict=True):
        packed = gzip.compress(content) if suffix == ".gz" else content
        (folder / f"{name.format(prefix)}{suffix}").write_bytes(packed)
    return pixels


def loaded(path: Path, size: int = 28) -> Dataset:
    return load_data(path, image_spec=ImageSpec(size, crop="none"))


def content(images: np.ndarray, labels: Sequence[str]) -> set[tuple[bytes, str]]:
    return {(i.tobytes(), label) for i, label in zip(images, labels, strict=True)}


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_other_images_in_the_same_files_are_data_of_ones_own(suffix: str, tmp_path: Path) -> None:
    """MNIST and KMNIST have the names, sizes and labels of Fashion-MNIST."""
    digits, test_digits = [*range(10)] * 3, [*range(10)]
    train = write(tmp_path / "mnist", "train-", digits, suffix=suffix)
    test = write(tmp_path / "mnist", "t10k-", test_digits, suffix=suffix)
    data = loaded(tmp_path / "mnist")
    assert data.name == "mnist/" and data.class_names == tuple("0123456789")
    for part, pixels, labels in ((data.train, train, digits), (data.test, test, test_digits)):
        names = [data.class_names[label] for label in part.labels]
        assert content(part.images, names) == content(pixels, list(map(str, labels)))
    assert data.folder_report
    assert data.folder_report.layout == "IDX files of 28 x 28 pixels (train 30, test 10 images)"
    assert data.folder_report.counts["test"] == dict.fromkeys("0123456789", 1)
    assert not is_image_folder(tmp_path / "mnist")
    assert loaded(Path(data.source)).sha256 == data.sha256


def test_several_sets_in_a_folder_are_told_apart_by_a_file(tmp_path: Path) -> None:
    for name, labels in (("emnist-letters", range(1, 27)), ("emnist-digits", range(10))):
        write(tmp_path, f"{name}-train-", [*labels] * 2, suffix=".gz")
        write(tmp_path, f"{name}-test-", [*labels], suffix=".gz")
    with pytest.raises(DataError, match="several data sets .emnist-digits, emnist-letters.; name"):
        loaded(tmp_path)
    data = loaded(tmp_path / "emnist-letters-train-images-idx3-ubyte.gz")
    assert data.class_names == tuple(map(str, range(1, 27)))
    assert (len(data.train), len(data.test)) == (52, 26)


@pytest.mark.parametrize("name", ["classes.txt", "labels.txt"])
def test_a_file_names_the_classes(name: str, tmp_path: Path) -> None:
    write(tmp_path, "train-", [1, 2, 3] * 2, (32, 20))
    (tmp_path / name).write_text("b\nc\na\n")
    data = loaded(tmp_path, 32)
    assert data.class_names == ("b", "c", "a") and data.train.labels.max() == 2
    assert data.folder_report and data.folder_report.notes[0].endswith(
        f"the classes are named by {name}, in the order of the labels 1 to 3"
    )
    (tmp_path / name).write_text("none\nb\nc\na\n")  # a name for each number from 0
    assert loaded(tmp_path, 32).class_names == ("b", "c", "a")
    for text in ("b\nc\n", "b\nb\nc\n"):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=f"{name}: 2 different names; .* from 1 to 3"):
            loaded(tmp_path, 32)


def test_files_without_meaning_in_their_names_are_told_apart_by_size(tmp_path: Path) -> None:
    write(tmp_path, "", [0, 1] * 4, names=("1.bin", "2.bin"))
    write(tmp_path, "", [0, 1], names=("3.bin", "4.bin"))
    data = loaded(tmp_path)
    assert (len(data.train), len(data.test)) == (8, 2)
    assert data.folder_report and data.folder_report.notes[:2] == (
        "1.bin taken as train, by its number of images",
        "3.bin taken as test, by its number of images",
    )


def test_archives_beside_their_content_are_not_read_twice(tmp_path: Path) -> None:
    """As torchvision leaves them."""
    write(tmp_path, "train-", [0, 1, 0, 1])
    for path in list(tmp_path.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert len(loaded(tmp_path).train) == 4


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (LABELS, None, "train-images.*expected one IDX file with its 4 labels, found 0"),
        (IMAGES, lambda raw: raw[:-1], "announces 4 items, which are 3152 bytes"),
        (IMAGES, lambda raw: gzip.compress(raw)[:-9], "truncated gzip"),
        (IMAGES, lambda _: b"<html>", "not an IDX image file"),
        (LABELS, lambda _: gzip.compress(b"<html> of a portal"), "train-labels.*not an IDX label"),
        (LABELS, lambda raw: raw[:4] + b"\0\0\0\5" + raw[8:], "its 4 labels, found 0"),
    ],
)
def test_damaged_and_missing_files_are_named(
    name: str, damage: object, message: str, tmp_path: Path
) -> None:
    write(tmp_path, "train-", [0, 1, 0, 1])
    path = tmp_path / name.format("train-")
    if callable(damage):
        path.write_bytes(damage(path.read_bytes()))
    else:
        path.unlink()
    with pytest.raises(DataError, match=message):
        loaded(tmp_path)


def test_test_images_alone_train_nothing(tmp_path: Path) -> None:
    write(tmp_path, "t10k-", [0, 1, 0, 1])
    with pytest.raises(DataError, match="no IDX file of training images"):
        loaded(tmp_path)
