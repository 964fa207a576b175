"""Tables as people have them: no row is read as another image, split, label or group."""

import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import DataError
from ankleboot.data.dataset import Dataset
from ankleboot.data.image_folder.report import FolderReport
from ankleboot.data.load import load_data
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.split_rule import SplitRule
from helpers.images import write_image_folder

WHOLE = ImageSpec(32, color=True, crop="none")


@pytest.fixture(autouse=True)
def cache(isolated_cache_dir: Path) -> Path:
    return isolated_cache_dir.parent


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Classes cat and dog with four images each, 0.png to 3.png."""
    return write_image_folder(tmp_path / "pets", {"cat": 4, "dog": 4})


NAMES = [f"{name}/{i}.png" for name in ("cat", "dog") for i in range(4)]
LABELS = ["cat"] * 4 + ["dog"] * 4


def loaded(folder: Path, text: str | list[str], name: str = "t.csv", **options: Any) -> Dataset:
    lines = text.split("\n") if isinstance(text, str) else text
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_data(folder / name, image_spec=WHOLE, **options)


def table(*more: list[Any], header: str = "path,label", names: list[str] = NAMES) -> list[str]:
    rows = zip(names, LABELS, *more, strict=True)
    return [header, *(",".join(map(str, row)) for row in rows)]


def report(data: Dataset) -> FolderReport:
    assert data.folder_report is not None
    return data.folder_report


def learned(data: Dataset) -> list[tuple[bytes, str]]:
    pairs = zip(data.train.images, data.train.labels.tolist(), strict=True)
    return sorted((image.tobytes(), data.class_names[label]) for image, label in pairs)


# The image of a row


@pytest.mark.parametrize("name", ["pipe.png", "/dev/zero", "x" * 400 + ".png", "cat/\0.png"])
def test_a_cell_that_is_no_file_is_an_image_that_cannot_be_read(name: str, pets: Path) -> None:
    os.mkfifo(pets / "pipe.png")
    with pytest.raises(DataError, match=r"1 of 9 images cannot be read.*\((no such|not a reg)"):
        loaded(pets, [*table(), f"{name},cat"])
    assert len(loaded(pets, [*table(), f"{name},cat"], skip_bad=True).train) == 8


def test_a_missing_image_is_not_read_from_the_folder_of_another_class(pets: Path) -> None:
    (pets / "cat/3.png").unlink()
    with pytest.raises(DataError, match=r"1 of 8 .*: cat/3.png \(no such file\)"):
        loaded(pets, table())


def test_a_missing_training_image_is_not_read_from_the_test_images(pets: Path) -> None:
    (pets / "cat").rename(pets / "test")
    names = [f"train/{Path(name).name}" if "cat" in name else name for name in NAMES]
    with pytest.raises(DataError, match="4 of 8 images cannot be read"):
        loaded(pets, table(names=names))


@pytest.mark.parametrize("prefix", ["/kaggle/input/pets/", "C:\\data\\pets\\", "elsewhere/"])
def test_moved_images_are_matched_by_the_end_of_their_paths(prefix: str, pets: Path) -> None:
    expected = learned(loaded(pets, table()))
    names = [prefix + name for name in NAMES]
    if "\\" in prefix:
        names = [name.replace("/", "\\") for name in names]
    data = loaded(pets, table(names=names))
    assert learned(data) == expected
    assert "read from 'cat/0.png'" in report(data).notes[0]


def test_one_image_is_not_read_for_two_rows(pets: Path) -> None:
    shutil.copytree(pets / "cat", pets / "all/photos")
    text = "path,label\na/0.png,cat\nb/0.png,dog\na/1.png,cat\nb/1.png,dog"
    with pytest.raises(DataError, match=r"line 3 names 'b/0.png', another row 'a/0.png', and"):
        loaded(pets / "all", text)


@pytest.mark.parametrize(
    ("on_disk", "in_table"),
    [
        ("a 0.png", "a%200.png"),
        ("007.png", "7"),
        ("x.png", "x.jpg"),
        (unicodedata.normalize("NFD", "é.png"), unicodedata.normalize("NFC", "é.png")),
    ],
)
def test_names_that_programs_rewrite_are_found_and_noted(
    on_disk: str, in_table: str, pets: Path
) -> None:
    (pets / "cat/0.png").rename(pets / "cat" / on_disk)
    data = loaded(pets, table(names=[f"cat/{in_table}", *NAMES[1:]]))
    assert len(data.train) == 8
    if on_disk in os.listdir(pets / "cat"):  # macOS finds é in both forms
        assert report(data).notes[0].startswith("images found by their names")


def test_equal_names_in_the_splits_are_told_apart_by_the_name_of_the_table(pets: Path) -> None:
    (pets / "cat").rename(pets / "train")
    (pets / "dog").rename(pets / "test")
    text = "id,label\n0,a\n1,b\n2,a\n3,b"
    data = loaded(pets, text, "trainLabels.csv")
    assert "read from 'train/0.png'" in report(data).notes[0]
    with pytest.raises(DataError, match="line 2 names '0', of which there are 2"):
        loaded(pets, text, "all.csv")
    (pets / "train/3.png").unlink()
    with pytest.raises(DataError, match=r"1 of 4 images cannot be read.*: 3 \(no such file\)"):
        loaded(pets, text, "trainLabels.csv")


def test_a_column_may_train_on_what_its_paths_call_test(pets: Path) -> None:
    (pets / "dog").rename(pets / "test")
    names = ["/old/" + name.replace("dog", "test") for name in NAMES]
    splits = ["train"] * 7 + ["val"]
    assert len(loaded(pets, table(splits, header="path,label,split", names=names)).train) == 8


def test_an_image_number_zero_has_a_path(pets: Path) -> None:
    lines = [f'{{"id": {i}, "label": "{"ab"[i % 2]}"}}' for i in range(4)]
    assert len(loaded(pets / "cat", lines, "t.jsonl").train) == 4


def test_a_table_apart_from_its_images_says_where_they_were_looked_for(pets: Path) -> None:
    with pytest.raises(DataError, match="line 2 and all others name images that are not in"):
        loaded(pets, table(names=[f"x{name.replace('/', '')}" for name in NAMES]))


def test_addresses_of_images_are_matched_without_their_parameters(pets: Path) -> None:
    names = [f"https://example.com/pets/{name}?size=large" for name in NAMES]
    assert len(loaded(pets, table(names=names)).train) == 8


# The split of a row


@pytest.mark.parametrize("prefix", ["", "./", "data/x/", "/abs/train/pets/", "data\\x\\"])
def test_splits_in_the_paths_are_found_below_what_all_paths_share(prefix: str, pets: Path) -> None:
    parts = ["train", "train", "val", "test"] * 2
    names = []
    for part, name in zip(parts, NAMES, strict=True):
        (pets / part / name).parent.mkdir(parents=True, exist_ok=True)
        (pets / name).rename(pets / part / name)
        names.append(f"{prefix}{part}/{name}")
    if "\\" in prefix:
        names = [name.replace("/", "\\") for name in names]
    data = loaded(pets, table(names=names))
    assert (len(data.train), len(data.test)) == (6, 2)
    assert data.validation is not None and len(data.validation) == 2
    assert "splits taken from the folders in the paths: train, val, test" in report(data).notes


def test_folders_of_which_some_are_no_splits_are_noted(pets: Path) -> None:
    (pets / "dog").rename(pets / "train")
    names = [name.replace("dog", "train") for name in NAMES]
    data = loaded(pets, table(names=names))
    assert len(data.train) == 8
    assert report(data).notes[0].startswith("t.csv: train in the paths not taken as splits")


@pytest.mark.parametrize(
    ("header", "values", "numbers"),
    [
        ("is_test", [0, 0, 1, 1], (4, 4)),
        ("isTrain", ["True", "True", "True", "False"], (6, 2)),
        ("data set", ["train", "train", "train", "test"], (6, 2)),
        ("phase", ["TRAIN", "train", "VAL", "test"], (6, 2)),
    ],
)
def test_columns_that_plainly_say_the_split_are_used_and_noted(
    header: str, values: list[Any], numbers: tuple[int, int], pets: Path
) -> None:
    data = loaded(pets, table(values * 2, header=f"path,label,{header}"))
    assert (len(data.train), len(data.test)) == numbers
    (note,) = report(data).notes
    assert repr(header) in note


def test_flags_that_are_none_or_contradict_are_refused(pets: Path) -> None:
    with pytest.raises(DataError, match=r"line 2: column 'is_test' has 'maybe'; expected 1 or 0"):
        loaded(pets, table(["maybe", *[0] * 7], header="path,label,is_test"))
    header = "path,label,is_test,is_valid"
    with pytest.raises(DataError, match="line 2 is in test and validation"):
        loaded(pets, table([1] * 8, [1] * 8, header=header))


def test_columns_that_look_like_a_split_or_group_are_noted_if_not_used(pets: Path) -> None:
    header = "path,label,fold,patient_id,lesion_id,age"
    people, lesions = ["p1", "p2"] * 4, [1, 2, 3, 4] * 2
    data = loaded(pets, table([0, 1] * 4, people, lesions, [20] * 8, header=header))
    taken, *unused = report(data).notes
    assert "'patient_id' taken as the group" in taken and data.num_named_groups == 2
    assert [note.split(" is not used")[0] for note in unused] == [
        "t.csv: column 'fold'",
        "t.csv: column 'lesion_id'",
    ]


# The label of a row


@pytest.mark.parametrize("label", ["NaN", "nan", "<NA>", " "])
def test_empty_cells_are_no_class(label: str, pets: Path) -> None:
    data = loaded(pets, [*table()[:-1], f"dog/3.png,{label}"])
    assert data.class_names == ("cat", "dog")
    assert report(data).notes == ("t.csv: rows without a label, left out: 1",)


def test_lists_and_objects_are_no_labels(pets: Path) -> None:
    rows = [f'{{"path": "{p}", "label": ["{n}"]}}' for p, n in zip(NAMES, LABELS, strict=True)]
    assert loaded(pets, rows, "t.jsonl").class_names == ("cat", "dog")
    for label, kind in (('["cat", "dog"]', "a list"), ('{"name": "cat"}', "an object")):
        row = f'{{"path": "cat/0.png", "label": {label}}}'
        with pytest.raises(DataError, match=f"line 9: the label is {kind}.*expected one name"):
            loaded(pets, [*rows, row], "t.jsonl")


@pytest.mark.parametrize("other", ["cat ", "cat.", "cat\u200b", "c\u00adat", "\u2007cat"])
def test_classes_that_look_equal_are_refused(other: str, pets: Path) -> None:
    (pets / "dog").rename(pets / other)
    with pytest.raises(DataError, match="differ only by case, blanks, dots at the end, invis"):
        load_data(pets, image_spec=WHOLE)


def test_classes_with_blanks_and_marks_inside_stay_different(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "x", {"hot dog": 2, "hotdog": 2, "hot-dog": 2})
    assert len(load_data(folder, image_spec=WHOLE).class_names) == 3


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ("0,cat\n1,dog\n2,cat\n3,dog", "path and label"),
        ("cat,0\ndog,1\ncat,2\ndog,3", "label and path"),
        ("0.png,cat,train\n1.png,dog,train\n2.png,dog,train\n3.png,cat,test", "path and label and"),
        ("TRAIN,gs://b/0.png,a\nTRAIN,gs://b/1.png,b\nTEST,gs://b/2.png,a", "split and path and"),
    ],
)
def test_the_first_row_of_a_table_without_header_is_an_image(
    rows: str, names: str, pets: Path
) -> None:
    data = loaded(pets / "cat", rows, for_training=False)
    assert len(data.train) + len(data.test) == rows.count("\n") + 1
    assert any(f"no header; the columns are taken as {names}" in n for n in report(data).notes)


@pytest.mark.parametrize("header", ["0,1", "name,kind", "dog,cat"])
def test_a_header_of_other_words_stays_one(header: str, pets: Path) -> None:
    assert len(loaded(pets, table(header=header)).train) == 8


def test_a_column_for_each_class_is_a_label(pets: Path) -> None:
    cat, dog = [1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 0]
    rows = [f"{p},{c},{d}.0" for p, c, d in zip(NAMES, cat, dog, strict=True)]
    data = loaded(pets, ["image_id,cat,dog", *rows])
    assert learned(data) == learned(loaded(pets, table()[:-1]))
    loaded_again = loaded(pets, ["image_id,cat,dog", *rows])
    assert report(loaded_again).notes == (
        "one column for each class, with 1 in that of the row: cat, dog",
        "t.csv: rows without a label, left out: 1",
    )
    with pytest.raises(DataError, match=r"1 rows have several classes, such as line 2 \(cat, dog"):
        loaded(pets, ["image_id,cat,dog", "cat/0.png,1,1", *rows[1:]])


def test_one_image_with_two_labels_is_named_with_both(pets: Path) -> None:
    data = loaded(pets, [*table(), "cat/0.png,dog"])
    assert report(data).conflicts == (("cat/0.png, labeled cat and dog",),)


def test_a_table_gets_no_advice_on_folders(pets: Path) -> None:
    with pytest.raises(DataError, match=r"these have fewer: hen \(1\)$"):
        loaded(pets, [*table()[:-1], "dog/3.png,hen"])
    with pytest.raises(DataError, match=r"found one: cat$"):
        loaded(pets, table()[:5])


def test_a_quote_that_is_not_closed_swallows_no_rows(pets: Path) -> None:
    text = table()
    text[3] = 'cat/2.png,"cat'
    with pytest.raises(DataError, match="a label with line breaks .*is a quote not closed"):
        loaded(pets, text)


@pytest.mark.parametrize("label", ["cat|dog", "dog;hen", "cat dog"])
def test_labels_that_join_others_are_noted(label: str, pets: Path) -> None:
    data = loaded(pets, [*table()[:-2], f"dog/2.png,{label}", f"dog/3.png,{label}"])
    assert report(data).notes == (f"labels that join others, each taken as a class: {label}",)


def test_labels_that_are_measurements_are_noted(pets: Path) -> None:
    rows = [f"{name},2{i % 4}.5" for i, name in enumerate(NAMES)]
    (note,) = report(loaded(pets, ["path,label", *rows])).notes
    assert note == "labels with fractions, such as 20.5, each taken as a class"


def test_negative_classes_are_in_the_order_of_their_values(pets: Path) -> None:
    labels = ["-10", "-10", "-2", "-2", "3", "3", "10", "10"]
    rows = [f"{name},{label}" for name, label in zip(NAMES, labels, strict=True)]
    assert loaded(pets, ["path,label", *rows]).class_names == ("-10", "-2", "3", "10")


def test_boxes_are_noted_as_not_used(pets: Path) -> None:
    data = loaded(pets, table([1] * 8, [2] * 8, header="path,label,xmin,xmax"))
    (note,) = report(data).notes
    assert note.startswith("t.csv: boxes (xmin, xmax) are not cut out")


# What is around the rows


@pytest.mark.parametrize(
    "before", ["# made by hand\n# in 2026\npath,label", "sep=,\npath,label", "path,label,,"]
)
def test_comments_and_what_spreadsheets_add_are_no_rows(before: str, pets: Path) -> None:
    end = ",," if before.endswith(",,") else ""
    assert len(loaded(pets, [before, *(row + end for row in table()[1:])]).train) == 8


@pytest.mark.parametrize("line", ["{path} {label}", "{label} {path}"])
def test_blanks_in_the_paths_of_a_list_are_no_delimiters(line: str, pets: Path) -> None:
    shutil.copytree(pets, pets / "my pets")
    pairs = zip(NAMES, LABELS, strict=True)
    rows = [line.format(path=f"my pets/{name}", label=label) for name, label in pairs]
    data = loaded(pets, rows, "train.txt")
    assert len(data.train) == 8 and "no header" in report(data).notes[0]


def test_exchanged_names_of_columns_are_refused(pets: Path) -> None:
    with pytest.raises(DataError, match="column 'label' holds names of images.*exchange"):
        loaded(pets, table(header="label,path"))


def test_messages_name_the_line_of_the_file(pets: Path) -> None:
    with pytest.raises(DataError, match="line 5 has 1 fields, the header 2"):
        loaded(pets, "# c\npath,label\n\ncat/0.png,cat\ncat/1.png")


def test_the_column_that_is_missing_is_named(pets: Path) -> None:
    with pytest.raises(DataError, match="columns are image_id, malady, age; call .* it 'label'"):
        loaded(pets, "image_id,malady,age\ncat/0.png,mel,3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!DOCTYPE html>\n<p>x", "a web page; download"),
        ("version https://git-lfs.github.com/spec/v1\nsize 1", "a Git LFS pointer"),
        ("My pets,\npath,label\ncat/0.png,cat", r"line 2 has 2 fields, the header 1 \(My pets"),
    ],
)
def test_files_that_are_no_tables_are_named(text: str, message: str, pets: Path) -> None:
    with pytest.raises(DataError, match=message):
        loaded(pets, text)


# The group of a row


def test_empty_groups_are_no_group(pets: Path) -> None:
    groups = ["p1", "p1", "NaN", "", "nan", "p2", "p2", ""]
    data = loaded(pets, table(groups, header="path,label,group"))
    assert data.num_named_groups == 2 and data.groups is not None
    assert len(set(data.groups.tolist())) == 6


def test_a_file_of_groups_may_call_them_by_whom_they_are_of(pets: Path, tmp_path: Path) -> None:
    rows = [f"{name},p{i % 3}" for i, name in enumerate(NAMES)]
    (tmp_path / "g.csv").write_text("\n".join(["image,patient_id,age", *(f"{r},9" for r in rows)]))
    data = load_data(pets, image_spec=WHOLE, groups=tmp_path / "g.csv")
    assert data.num_named_groups == 3
    assert "column 'patient_id' taken as the group" in report(data).notes[0]


def test_a_column_that_groups_nothing_is_noted(pets: Path) -> None:
    data = loaded(pets, table([*range(8)], header="path,label,patient_id"))
    assert data.num_named_groups == 0
    assert "'patient_id' is not used" in report(data).notes[0]


def test_versions_of_a_photo_stay_on_one_side(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "valid")):
        folder = write_image_folder(tmp_path / split, {"cat": 8, "dog": 8}, seed=number)
        for path in folder.rglob("*.png"):
            photo, version = divmod(int(path.stem), 2)
            path.rename(path.with_name(f"{photo}_jpg.rf.{number * 2 + version:032x}.png"))
    data = load_data(tmp_path / "train", image_spec=WHOLE)
    parts = data.split(SplitRule(validation_fraction=0.5))
    names = data.train.names
    photos = [
        {names[row].split(".rf.")[0] for row in rows} for rows in (parts.train, parts.validation)
    ]
    assert not photos[0] & photos[1] and len(photos[0] | photos[1]) == 8
    assert report(data).notes[0].startswith("16 images are versions of 8 photos")
    whole = load_data(tmp_path, image_spec=WHOLE)
    assert len(report(whole).leakage) == 8
    with pytest.raises(DataError, match=r"more than one split \(leakage\): 8"):
        load_data(tmp_path, image_spec=WHOLE, strict=True)
