"""Tables and archives as people have them become data sets."""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.data.tables.table import read_csv
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.split_rule import SplitRule
from helpers.images import write_image_folder

WHOLE = ImageSpec(32, color=True, crop="none")


@pytest.fixture(autouse=True)
def cache(isolated_cache_dir: Path) -> Path:
    return isolated_cache_dir.parent


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder with eight images, four of each class, and no folders of classes."""
    made = write_image_folder(tmp_path / "made", {"cat": 4, "dog": 4})
    (tmp_path / "pets/images").mkdir(parents=True)
    for number, path in enumerate(sorted(made.rglob("*.png"))):
        shutil.copy(path, tmp_path / f"pets/images/{number}.png")
    return tmp_path / "pets"


def rows(pattern: str = "images/{}.png", **columns: list[Any]) -> list[dict[str, Any]]:
    table = {"path": [pattern.format(i) for i in range(8)], "label": ["cat"] * 4 + ["dog"] * 4}
    table |= columns
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def write(path: Path, table: list[dict[str, Any]], delimiter: str = ",") -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(table)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def loaded(path: Path, **options: Any) -> Dataset:
    return load_data(path, image_spec=WHOLE, **options)


def pixels(data: Dataset) -> set[tuple[bytes, str]]:
    parts = (data.train, data.test)
    return {
        (image.tobytes(), data.class_names[label])
        for part in parts
        for image, label in zip(part.images, part.labels.tolist(), strict=True)
    }


# Case 21: paths and labels


def test_a_table_of_paths_is_the_folder_of_its_classes(pets: Path, tmp_path: Path) -> None:
    data, folder = loaded(write(pets / "labels.csv", rows())), loaded(tmp_path / "made")
    assert data.name == "labels.csv" and data.class_names == ("cat", "dog")
    assert pixels(data) == pixels(folder)
    assert data.folder_report is not None and data.folder_report.warnings == ()
    assert data.folder_report.layout == "labels.csv: 8 rows (path, label)"


@pytest.mark.parametrize(
    ("names", "delimiter"),
    [(("image_id", "Class Name"), ","), (("File Name", "category"), ";"), (("img", "y"), "\t")],
)
def test_columns_are_known_by_the_names_that_people_give(
    names: tuple[str, str], delimiter: str, pets: Path
) -> None:
    table = [dict(zip(names, row.values(), strict=True)) for row in rows()]
    assert len(loaded(write(pets / "t.csv", table, delimiter)).train) == 8


def test_two_columns_of_other_names_are_taken_in_their_order_and_noted(pets: Path) -> None:
    table = [dict(zip(("photo", "what"), row.values(), strict=True)) for row in rows()]
    report = loaded(write(pets / "t.csv", table)).folder_report
    assert report is not None
    assert report.notes == ("column 'photo' taken as the path, column 'what' as the label",)


@pytest.mark.parametrize("line", ["{path},{label}", "{path} {label}", "{label}\t{path}"])
def test_a_list_without_a_header_is_read(line: str, pets: Path) -> None:
    (pets / "train.txt").write_text("".join(f"{line.format(**row)}\n" for row in rows()))
    data = loaded(pets / "train.txt")
    assert len(data.train) == 8 and data.folder_report is not None
    (note,) = data.folder_report.notes
    assert note.startswith("no header; the columns are taken as ")


def test_other_columns_are_an_error_that_lists_them(pets: Path) -> None:
    table = [{"a": 1, "b": 2, "c": 3}]
    with pytest.raises(DataError, match="expected columns path and label.* columns are a, b, c"):
        loaded(write(pets / "t.csv", table))


def test_images_are_found_by_name_with_or_without_their_suffix(pets: Path) -> None:
    report = loaded(write(pets / "t.csv", rows("{}"))).folder_report
    assert report is not None and "images found by their names below" in report.notes[0]
    shutil.copytree(pets / "images", pets / "again")
    with pytest.raises(DataError, match="line 2 names '0', of which there are 2 below"):
        loaded(pets / "t.csv")


def test_missing_images_are_images_that_cannot_be_read(pets: Path) -> None:
    write(pets / "t.csv", [*rows(), {"path": "gone.png", "label": "cat"}])
    with pytest.raises(DataError, match=r"1 of 9 images cannot be read.*gone.png \(no such file\)"):
        loaded(pets / "t.csv")
    assert len(loaded(pets / "t.csv", skip_bad=True).train) == 8


def test_splits_of_a_column_are_a_fixed_split(pets: Path) -> None:
    split = ["Training", "train", "val", "TEST"] * 2
    data = loaded(write(pets / "t.csv", rows(split=split)))
    assert (len(data.train), len(data.test)) == (6, 2)
    assert data.split(SplitRule()).validation.tolist() == [4, 5]
    with pytest.raises(DataError, match="column 'split' has 'fold1'; expected train"):
        loaded(write(pets / "t.csv", rows(split=[*split[:7], "fold1"])))


def test_rows_without_a_label_and_equal_rows_are_noted(pets: Path) -> None:
    write(pets / "t.csv", [*rows(), rows()[0], {"path": "images/1.png", "label": ""}])
    report = loaded(pets / "t.csv").folder_report
    assert report is not None and report.notes == (
        "t.csv: rows without a label, left out: 1",
        "rows that repeat another one, left out: 1",
    )


def test_a_group_column_keeps_images_together(pets: Path) -> None:
    data = loaded(write(pets / "t.csv", rows(group=["p1", "p2", "p3", "p4"] * 2)))
    assert data.num_named_groups == 4 and data.groups is not None
    parts = data.split(SplitRule(validation_fraction=0.25))
    assert len(parts.validation) == 2 and len(set(data.groups[parts.validation].tolist())) == 1
    plain = loaded(write(pets / "t.csv", rows()))
    assert plain.train_sha256 != data.train_sha256  # which images validate differs


def test_a_group_in_two_splits_is_leakage(pets: Path) -> None:
    table = rows(group=["p1", "p2", "p3", "p4"] * 2, split=["train"] * 3 + ["test"] + ["train"] * 4)
    report = loaded(write(pets / "t.csv", table)).folder_report
    assert report is not None and report.split_groups == ("p4",)
    with pytest.raises(DataError, match=r"groups in more than one split \(leakage\): 1 \(p4\)"):
        loaded(pets / "t.csv", strict=True)


def test_a_file_of_groups_does_what_a_column_does(pets: Path, tmp_path: Path) -> None:
    names = [f"{name}/{i}.png" for name in ("cat", "dog") for i in range(4)]
    groups = [{"path": path, "group": f"p{i % 3}"} for i, path in enumerate(names)]
    file = write(tmp_path / "groups.csv", groups)
    data = loaded(tmp_path / "made", groups=file)
    assert data.num_named_groups == 3 and data.group_file == str(file)
    absolute = [row | {"path": str(tmp_path / "made" / row["path"])} for row in groups]
    assert loaded(tmp_path / "made", groups=write(file, absolute)).sha256 == data.sha256
    report = loaded(tmp_path / "made", groups=write(file, groups[:6])).folder_report
    assert report is not None
    assert report.notes == ("groups.csv: 3 groups; images without a group: 2",)
    for row, message in (
        ({"path": "nope.png", "group": "p1"}, "1 image is not in the data: nope.png"),
        ({"path": names[0], "group": "p9"}, "1 image is in two groups: cat/0.png"),
    ):
        with pytest.raises(DataError, match=message):
            loaded(tmp_path / "made", groups=write(file, [*groups, row]))
    with pytest.raises(UsageError, match="--groups are for images of your own"):
        load_data("sample", groups=file)


def test_text_in_other_encodings_is_read(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / "t.csv").write_bytes("path,label\r\na.png,Hängebauch\r\n".encode(encoding))
        assert read_csv(tmp_path / "t.csv").columns["label"] == ("Hängebauch",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no rows below a header"),
        (b"path,label\n", "no rows below a header"),
        (b"path,label\na,b,c\n", "line 2 has 3 fields, the header 2"),
        (b"path,path\na,b\n", "a column name occurs twice"),
        (b"\x81\x8d\n", "not a text file"),
    ],
)
def test_damaged_tables_are_refused_in_one_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        loaded(tmp_path / "t.csv")


def test_a_table_beside_one_folder_of_images_is_read(pets: Path, tmp_path: Path) -> None:
    write(pets / "labels.csv", rows())
    data = loaded(pets)
    assert pixels(data) == pixels(loaded(tmp_path / "made"))
    assert data.folder_report is not None
    assert data.folder_report.notes == ("read from labels.csv in it",)


def test_json_lines_are_a_table(pets: Path) -> None:
    (pets / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows()))
    assert len(loaded(pets / "t.jsonl").train) == 8
    (pets / "t.jsonl").write_text('{"path": "a"}\n[1]\n')
    with pytest.raises(DataError, match="line 2 is no JSON object"):
        loaded(pets / "t.jsonl")


@pytest.mark.parametrize("line", ['{"path": "\\ud800.png"}', "[" * 100_000])
def test_lines_that_are_no_text_or_too_deep_are_named(pets: Path, line: str) -> None:
    (pets / "t.jsonl").write_text(f'{{"path": "\u2028"}}\n{line}\n')
    with pytest.raises(DataError, match="line 2 is no JSON "):
        loaded(pets / "t.jsonl")


def test_hugging_face_metadata_is_read(pets: Path) -> None:
    for split in ("train", "test"):
        shutil.copytree(pets / "images", pets / split)
        table = [{"file_name": Path(r["path"]).name, "label": r["label"]} for r in rows()]
        write(pets / split / "metadata.csv", table)
    shutil.rmtree(pets / "images")
    data = loaded(pets)
    assert (len(data.train), len(data.test), data.class_names) == (8, 8, ("cat", "dog"))


# Parquet


def test_parquet_holds_bytes_of_images(pets: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    names = {"info": {"features": {"label": {"names": ["dog", "cat"], "_type": "ClassLabel"}}}}
    images = [{"bytes": (pets / r["path"]).read_bytes(), "path": r["path"]} for r in rows()]
    table = pyarrow.table({"image": images, "label": [1] * 4 + [0] * 4})
    table = table.replace_schema_metadata({"huggingface": json.dumps(names)})
    parquet.write_table(table, tmp_path / "pets.parquet")
    data = loaded(tmp_path / "pets.parquet")
    assert data.class_names == ("dog", "cat")
    assert pixels(data) == pixels(loaded(tmp_path / "made"))
    (tmp_path / "shards/data").mkdir(parents=True)
    for split in ("train", "test"):
        name = f"shards/data/{split}-00000-of-00001.parquet"
        shutil.copy(tmp_path / "pets.parquet", tmp_path / name)
    assert len(loaded(tmp_path / "shards").test) == 8
    (tmp_path / "pets.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="damaged or no Parquet file"):
        loaded(tmp_path / "pets.parquet")


def test_parquet_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ankleboot.core.errors import EnvironmentFailure

    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    (tmp_path / "t.parquet").touch()
    with pytest.raises(EnvironmentFailure, match=r"pip install 'ankleboot\[tables\]'"):
        loaded(tmp_path / "t.parquet")


# Zip archives


def zipped(path: Path, names: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return path


def test_an_archive_is_what_is_in_it(pets: Path, tmp_path: Path) -> None:
    folder = shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path, "made")
    assert pixels(loaded(Path(folder))) == pixels(loaded(tmp_path / "made"))
    write(pets / "labels.csv", rows())
    (pets / "images").rename(pets / "x")  # in an archive the table alone says the labels
    for path in (pets / "x").iterdir():
        path.rename(pets / path.name)
    (pets / "x").rmdir()
    table = Path(shutil.make_archive(str(tmp_path / "b"), "zip", pets))
    data = loaded(table)
    assert data.name == "b.zip" and pixels(data) == pixels(loaded(tmp_path / "made"))


def test_an_archive_is_unpacked_once(
    tmp_path: Path, pets: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path, "made"))
    first = loaded(path)
    monkeypatch.setattr("ankleboot.data.tables.archive._extract", None)  # calling it would fail
    assert loaded(path).sha256 == first.sha256
    assert first.name == "a.zip" and first.source == str(path)
    assert not list(cache.glob("unpacked/*.tmp"))


@pytest.mark.parametrize(
    "name", ["../cat/a.png", "/cat/a.png", "cat/../../a.png", "C:/a.png", "cat\\..\\a.png"]
)
def test_names_that_lead_outside_are_refused(name: str, tmp_path: Path, cache: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"cat/b.png": b"x", name: b"y"})
    with pytest.raises(DataError, match="leads outside the archive"):
        loaded(archive)
    assert not list(cache.glob("unpacked/*"))


def test_a_table_in_an_archive_names_no_file_outside(tmp_path: Path) -> None:
    outside = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(outside)
    lines = f"path,label\n{outside},cat\n{outside},dog\n"
    with pytest.raises(DataError, match="line 2 names a file outside"):
        loaded(zipped(tmp_path / "a.zip", {"labels.csv": lines.encode()}))


def test_links_in_an_archive_are_left_out(pets: Path, tmp_path: Path) -> None:
    path = Path(shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path, "made"))
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("made/cat/link.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    report = loaded(path).folder_report
    assert report is not None
    assert report.notes[0] == "links in the archive, left out: made/cat/link.png"


def test_bombs_and_damage_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ankleboot.data.tables.archive.FREE_RATIO_BYTES", 2**20)
    with pytest.raises(DataError, match="allowed are .* and 200 times the size"):
        loaded(zipped(tmp_path / "bomb.zip", {"cat/a.png": bytes(4 * 2**20)}))
    monkeypatch.setattr("ankleboot.data.tables.archive.MAX_MEMBERS", 2)
    with pytest.raises(DataError, match="3 files, allowed are 2"):
        loaded(zipped(tmp_path / "many.zip", {f"cat/{i}.png": b"x" for i in range(3)}))
    (tmp_path / "cut.zip").write_bytes((tmp_path / "bomb.zip").read_bytes()[:100])
    with pytest.raises(DataError, match="a damaged zip archive"):
        loaded(tmp_path / "cut.zip")


# Arrays


def arrays(num: int, *shape: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (num, *shape), dtype=np.uint8), np.arange(num) % 3


def test_an_archive_of_arrays_is_a_data_set(tmp_path: Path) -> None:
    (x, y), (x_test, y_test) = arrays(30, 28, 28), arrays(9, 28, 28, seed=1)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    data = load_data(tmp_path / "d.npz")
    assert (len(data.train), len(data.test), data.class_names) == (30, 9, ("0", "1", "2"))
    assert pixels(data) == {
        (image.tobytes(), str(label))
        for image, label in zip((*x, *x_test), (*y, *y_test), strict=True)
    }
    assert set(data.sha256) == {f"{split}/{i}" for split in ("train", "test") for i in range(3)}


@pytest.mark.parametrize("names", ["images labels", "train_images train_labels", "X y"])
def test_arrays_have_other_names_shapes_and_scales(names: str, tmp_path: Path) -> None:
    x, y = arrays(12, 28, 28)
    first, second = names.split()
    expected = {image.tobytes() for image in x}
    for images in (x[..., None], x / 255.0, x.astype(np.float32), x.reshape(12, -1)):
        for labels in (y, y[:, None], np.eye(3)[y], np.array(["a", "b", "c"])[y]):
            pair: dict[str, Any] = {first: images, second: labels}
            np.savez(tmp_path / "d.npz", **pair)
            data = load_data(tmp_path / "d.npz")
            assert {image.tobytes() for image in data.train.images} == expected
            assert len(data.class_names) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": np.zeros(3)}, "expected arrays x_train and y_train .* it has a"),
        ({"x": np.zeros((3, 4, 4)), "y": np.arange(2)}, "3 images but 2 labels"),
        ({"x": np.full((3, 4, 4), 300.0), "y": np.arange(3)}, "values from 300 to 300"),
        ({"x": np.full((3, 4, 4), np.nan), "y": np.arange(3)}, "48 values are not finite"),
        ({"x": np.zeros((3, 4, 4, 2)), "y": np.arange(3)}, "expected .n, height, width."),
        ({"x": np.zeros((3, 17)), "y": np.arange(3)}, "17 pixels are no square"),
        ({"x": np.zeros((3, 4, 4)), "y": np.array([{}] * 3)}, "y is an array of objects"),
    ],
)
def test_other_arrays_are_refused_in_one_line(
    content: dict[str, Any], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "d.npz", **content)
    with pytest.raises(DataError, match=message):
        load_data(tmp_path / "d.npz")
