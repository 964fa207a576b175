"""Tables beside folders of images: which of them say the labels."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from ankleboot.core.errors import DataError
from ankleboot.data.image_folder.listing import ImageListing
from ankleboot.data.label_file import COLUMNS
from ankleboot.data.tables.sources import read_source
from helpers.images import write_image_folder


def table(path: Path, rows: Sequence[tuple[str, ...]], header: str = "path,label") -> Path:
    path.write_text("\n".join([header, *map(",".join, rows)]) + "\n")
    return path


def listed(path: Path) -> ImageListing:
    listing = read_source(path).listing
    assert listing is not None
    return listing


def parts(tmp_path: Path, *folders: str) -> Path:
    """Write folders of four images each, whose names are not the labels."""
    root = tmp_path / "data"
    for folder in folders:
        made = write_image_folder(tmp_path / "made", {folder: 4})
        (root / folder).mkdir(parents=True)
        for i, image in enumerate(sorted((made / folder).iterdir())):
            image.rename(root / folder / f"{folder}_{i}.png")
    return root


def labels(root: Path) -> list[tuple[str, str]]:
    return [(p.stem, "cat" if i % 2 else "dog") for i, p in enumerate(sorted(root.rglob("*.png")))]


def test_a_table_of_all_images_counts_more_than_the_folders(tmp_path: Path) -> None:
    root = parts(tmp_path, "part_1", "part_2")
    table(root / "labels.csv", labels(root), "image_id,label")
    listing = listed(root)
    assert Counter(i.class_name for i in listing.images) == {"cat": 4, "dog": 4}
    assert (
        "read from labels.csv in it; its labels count, not the folders (part_1, part_2)"
        in listing.notes
    )


def test_decisions_about_labels_are_no_table(tmp_path: Path) -> None:
    """`labels.csv` of `ankleboot label` counts only where --labels names it."""
    root = write_image_folder(tmp_path / "pets", {"cat": 4, "dog": 4})
    name = sorted(p.relative_to(root).as_posix() for p in root.rglob("*.png"))[0]
    table(root / "labels.csv", [(name, "dog", "cat", "")], ",".join(COLUMNS))
    assert Counter(i.class_name for i in listed(root).images) == {"cat": 4, "dog": 4}


def test_a_table_of_some_images_that_contradicts_the_folders_is_refused(tmp_path: Path) -> None:
    root = parts(tmp_path, "cat", "dog")
    table(root / "subset.csv", [("cat_0.png", "x"), ("dog_0.png", "y")])
    with pytest.raises(DataError, match=r"subset.csv labels some .* folders \(cat, dog\) do"):
        listed(root)


@pytest.mark.parametrize(
    ("rows", "header", "note"),
    [
        ([("cat_0", "cat"), ("dog_1", "dog")], "id,label", "has the labels of the folders"),
        (
            [("cat_0", "1", "2"), ("dog_1", "3", "4")],
            "image,width,height",
            "has no two labels",
        ),
        ([("a", "x"), ("b", "y")], "path,label", ""),
        ([("cat_0", "0"), ("dog_1", "0")], "id,label", ""),
    ],
)
def test_folders_of_classes_count_beside_other_tables(
    rows: Sequence[tuple[str, ...]], header: str, note: str, tmp_path: Path
) -> None:
    root = parts(tmp_path, "cat", "dog")
    table(root / "t.csv", rows, header)
    listing = listed(root)
    assert listing.class_names == ("cat", "dog") and listing.skipped == ("t.csv",)
    assert note in "".join(listing.notes)


def test_parts_beside_a_table_without_labels_are_no_classes(tmp_path: Path) -> None:
    root = parts(tmp_path, "part_1", "part_2")
    rows = [(name, "30", "f") for name, _ in labels(root)]
    table(root / "meta.csv", rows, "image_id,age,sex")
    with pytest.raises(DataError, match=r"\(part_1, part_2\) differ by a number alone, and meta"):
        listed(root)
    labeled = [(*row, label) for row, (_, label) in zip(rows, labels(root), strict=True)]
    table(root / "meta.csv", labeled, "image_id,age,sex,dx")
    assert listed(root).class_names == ("cat", "dog")


def test_tables_in_the_folders_of_the_splits_are_read(tmp_path: Path) -> None:
    root = parts(tmp_path, "train", "valid")
    for split in ("train", "valid"):
        rows = [(f"{split}_{i}.png", f"{i % 2}", f"{1 - i % 2}") for i in range(4)]
        table(root / split / "_classes.csv", rows, "filename, cat, dog")
    (root / "README.roboflow.txt").write_text("pets > v1\n")
    listing = listed(root)
    assert Counter((i.split, i.class_name) for i in listing.images) == {
        (split, label): 2 for split in ("train", "validation") for label in ("cat", "dog")
    }


def test_numbers_are_named_by_a_file_beside_the_table(tmp_path: Path) -> None:
    root = parts(tmp_path, "img")
    rows = [(name, "0" if label == "cat" else "2") for name, label in labels(root)]
    path = table(root / "labels.csv", rows, "id,label")
    (root / "classes.txt").write_text("cat\nhen\ndog\n")
    assert listed(path).class_names == ("cat", "dog")
    (root / "classes.txt").write_text("cat\n")
    assert listed(path).class_names == ("0", "2")
    assert "classes.txt: 1 different names; expected one for each label" in listed(path).notes[-1]


def test_names_of_classes_in_a_text_are_no_table(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path, {"n01": 3, "n02": 3, "n03": 3})
    for folder in ("n01", "n02", "n03"):
        for i, path in enumerate(sorted((root / folder).iterdir())):
            path.rename(path.with_name(f"{i}.png"))
    (root / "classes.txt").write_text("0 cat\n1 dog\n2 hen\n")
    assert listed(root).class_names == ("n01", "n02", "n03")


def test_a_table_beside_flat_splits_is_read_and_the_rest_is_named(tmp_path: Path) -> None:
    root = parts(tmp_path, "train", "test")
    rows = [row for row in labels(root) if row[0].startswith("train")]
    table(root / "labels.csv", rows, "id,breed")
    table(root / "sample_submission.csv", [("test_0", "0", "0")], "id,cat,dog")
    listing = listed(root)
    assert len(listing.images) == 4
    assert "files not used: 1 (sample_submission.csv)" in listing.notes
    (note,) = [note for note in listing.notes if note.startswith("images that are not listed")]
    assert note.startswith("images that are not listed, left out: 4 (test/test_0.png, ")


def test_lists_of_splits_in_texts_are_read(tmp_path: Path) -> None:
    root = parts(tmp_path, "img")
    for name, numbers in (("train.txt", (0, 1, 2)), ("val.txt", (3, 2))):
        lines = [f"img/img_{i}.png {i % 2}\n" for i in numbers]
        (root / name).write_text("".join(lines))
    assert {image.split for image in listed(root).images} == {"train", "validation"}


def test_images_that_metadata_does_not_list_are_named(tmp_path: Path) -> None:
    root = parts(tmp_path, "train", "test")
    table(
        root / "train/metadata.csv", [("train_0.png", "a"), ("train_1.png", "b")], "file_name,label"
    )
    listing = listed(root)
    assert len(listing.images) == 2
    (note,) = listing.notes
    assert note.startswith("images that are not listed, left out: 6 (test/test_0.png")


def test_two_tables_of_the_same_images_must_be_chosen_from(tmp_path: Path) -> None:
    root = parts(tmp_path, "img")
    for name in ("a.csv", "b.csv"):
        table(root / name, labels(root), "id,label")
    with pytest.raises(DataError, match=r"several tables \(a.csv, b.csv\); name one of them"):
        listed(root)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", b"\x93NUMPY", "x.npy is one array, which is not read; save images and labels"),
        ("b.tar.gz", b"\x1f\x8b", r"b.tar.gz is a tar archive.*unpack it \(tar -xf\)"),
        ("img0001", b"\xff\xd8\xff", "img0001 is a JPEG image .alone.*with their suffixes"),
        ("l.xlsx", b"PK", "l.xlsx is a spreadsheet, which is not read; save it as .csv"),
    ],
)
def test_a_folder_without_images_says_what_else_it_has(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_source(tmp_path)
