"""Conversion to a clean folder and to Parquet keeps images, labels, splits and groups."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.convert import convert_data
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.recipes.image_spec import ImageSpec
from helpers.images import write_image_folder

WHOLE = ImageSpec(32, color=True, crop="none")


@pytest.fixture(autouse=True)
def _cache(isolated_cache_dir: Path) -> None:
    pass


@pytest.fixture
def mri(tmp_path: Path) -> Path:
    """Splits by their odd names, a link, and a file that is no image."""
    for seed, part in enumerate(("Training", "dev", "Testing")):
        write_image_folder(tmp_path / "mri" / part, {"a": 3, "b c": 3}, seed=seed)
    (tmp_path / "mri/Training/a/note.txt").touch()
    (tmp_path / "mri/Training/a/link.png").symlink_to(tmp_path / "mri/Training/a/0.png")
    return tmp_path / "mri"


def images(data: Dataset) -> list[tuple[str, bytes, str]]:
    known = data.validation.tolist() if data.validation is not None else []
    rows = [
        ("test" if part is data.test else "val" if i in known else "train", image.tobytes(), label)
        for part in (data.train, data.test)
        for i, (image, label) in enumerate(zip(part.images, part.labels.tolist(), strict=True))
    ]
    return sorted((split, image, data.class_names[label]) for split, image, label in rows)


@pytest.mark.parametrize("name", ["clean", "pets.parquet"])
def test_what_is_written_is_the_data_set(name: str, mri: Path, tmp_path: Path) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    result = convert_data(mri, tmp_path / name)
    assert result.images == {"train": 7, "validation": 6, "test": 6}
    first, second = (load_data(path, image_spec=WHOLE) for path in (mri, tmp_path / name))
    assert images(first) == images(second)
    assert "files that are not images, left out: 1 (Training/a/note.txt)" in result.notes


def test_a_folder_without_splits_has_classes_alone(tmp_path: Path) -> None:
    source = write_image_folder(tmp_path / "pets", {"cat": 2, "dog": 2})
    archive = shutil.make_archive(str(tmp_path / "pets"), "zip", source)
    convert_data(archive, tmp_path / "out/clean")
    names = sorted(
        p.relative_to(tmp_path / "out/clean").as_posix() for p in tmp_path.glob("out/clean/*/*")
    )
    assert names == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]
    assert (tmp_path / "out/clean/cat/0.png").read_bytes() == (source / "cat/0.png").read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clean"]


@pytest.mark.parametrize("name", ["clean", "pets.parquet"])
def test_groups_are_kept(name: str, tmp_path: Path) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    source = write_image_folder(tmp_path / "pets", {"cat": 4, "dog": 4})
    rows = [f"{c}/{i}.png,p{i}" for c in ("cat", "dog") for i in range(4)]
    (tmp_path / "g.csv").write_text("\n".join(["path,group", *rows]))
    result = convert_data(source, tmp_path / name, groups=tmp_path / "g.csv")
    groups = None if name.endswith("parquet") else tmp_path / name / "groups.csv"
    data = load_data(tmp_path / name, image_spec=WHOLE, groups=groups)
    assert data.num_named_groups == 4
    assert name.endswith("parquet") or any("--groups" in note for note in result.notes)


def test_a_known_data_set_becomes_image_files(tmp_path: Path) -> None:
    result = convert_data("sample", tmp_path / "sample.d")
    assert result.images == {"train": 2_000, "test": 500}
    assert "the folder of T-shirt/top is T-shirt-top" in result.notes
    data, sample = load_data(tmp_path / "sample.d"), load_data("sample")
    assert {image.tobytes() for image in data.test.images} == {
        image.tobytes() for image in sample.test.images
    }
    assert np.bincount(data.train.labels).tolist() == [200] * 10


def test_nothing_is_replaced_and_nothing_half_written_stays(mri: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    for target in ("full", "full/file"):
        with pytest.raises(UsageError, match="exists already"):
            convert_data(mri, tmp_path / target)
    (mri / "Training/a/bad.png").touch()
    with pytest.raises(DataError, match="cannot be read"):
        convert_data(mri, tmp_path / "new/clean")
    clash = write_image_folder(tmp_path / "clash", {"a": 2, "a-b": 2})
    rows = [f"a/{i}.png,x:y" for i in range(2)] + [f"a-b/{i}.png,x-y" for i in range(2)]
    (clash / "t.csv").write_text("\n".join(["path,label", *rows]))
    with pytest.raises(UsageError, match="two classes would share a folder"):
        convert_data(clash / "t.csv", tmp_path / "new/clash")
    assert not (tmp_path / "new").exists() or list((tmp_path / "new").iterdir()) == []
    assert convert_data(mri, tmp_path / "new/clean", skip_bad=True).images["train"] == 7
