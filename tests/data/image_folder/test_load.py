"""Image folders: contents, faults, and the data set made from them."""

import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ankleboot.core.errors import AnklebootError, DataError, UsageError
from ankleboot.data.image_folder.scan import scan_folder
from ankleboot.data.load import load_data
from ankleboot.data.splits import split
from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.recipe import Recipe
from helpers.image_folders import WHOLE, loaded
from helpers.images import write_image_folder


def test_a_folder_of_classes_becomes_a_data_set(pets: Path) -> None:
    data = loaded(pets)
    assert data.name == "pets/" and data.class_names == ("cat", "dog")
    assert data.train.images.shape == (10, 32, 32, 3) and len(data.test) == 0
    assert np.bincount(data.train.labels).tolist() == [5, 5]
    for name, label in zip(data.train.names, data.train.labels, strict=True):
        assert name.startswith(data.class_names[label])
    assert data.validation is None and data.folder_report is not None
    assert data.folder_report.counts == {"train": {"cat": 5, "dog": 5}}


@pytest.mark.parametrize("word", ["validation", "val", "valid", "Validation"])
def test_folders_of_splits_are_a_fixed_split(word: str, tmp_path: Path) -> None:
    for part, count in (("train", 4), (word, 2), ("test", 3)):
        write_image_folder(tmp_path / "pets" / part, {"cat": count, "dog": count}, seed=count)
    data = loaded(tmp_path / "pets")
    assert (len(data.train), len(data.test)) == (12, 6)
    for recipe in (PLAIN, Recipe(name="x", split="stratified", split_seed=3)):
        parts = data.split(recipe.split_rule)
        assert parts.validation.tolist() == [8, 9, 10, 11]
        assert all(data.train.names[i].startswith(word) for i in parts.validation)
        assert all(data.train.names[i].startswith("train/") for i in parts.train)


def test_the_split_that_is_drawn_is_stratified_and_ignores_names(tmp_path: Path) -> None:
    write_image_folder(tmp_path / "a", {"cat": 40, "dog": 20})
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for number, path in enumerate(sorted((tmp_path / "b").rglob("*.png"), reverse=True)):
        path.rename(path.with_name(f"{number:05d}.png"))
    first, second = loaded(tmp_path / "a"), loaded(tmp_path / "b")
    assert (first.train.images == second.train.images).all()
    chosen = first.split(PLAIN.split_rule).validation
    assert np.bincount(first.train.labels[chosen]).tolist() == [8, 4]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 25)), min_size=12, max_size=80),
    st.sampled_from(["last", "stratified"]),
    st.floats(0.1, 0.6),
)
@settings(max_examples=80)
def test_duplicates_stay_on_one_side(
    pictures: list[tuple[int, int]], how: str, fraction: float
) -> None:
    labels = np.array([label for label, _ in pictures])
    groups = np.array([twin for _, twin in pictures], np.int64)
    recipe = Recipe(name="x", split=how, validation_fraction=fraction)
    try:
        parts = split(labels, recipe.split_rule, groups=groups)
    except DataError:
        assert round(len(set(groups.tolist())) * fraction) in (0, len(set(groups.tolist())))
        return
    assert not set(groups[parts.train].tolist()) & set(groups[parts.validation].tolist())
    both = np.concatenate([parts.train, parts.validation])
    assert sorted(both.tolist()) == list(range(len(labels)))
    assert len(set(groups[parts.validation])) == round(len(set(groups.tolist())) * fraction)


def test_a_copy_follows_its_original_whatever_its_name_or_format(pets: Path) -> None:
    for number, path in enumerate(sorted(pets.rglob("*.png"))):
        Image.open(path).save(path.with_name(f"copy-{number}.bmp"))  # other bytes, equal pixels
    data = loaded(pets)
    assert data.folder_report is not None and len(data.folder_report.duplicates) == 10
    parts = data.split(PLAIN.split_rule)
    seen = {data.train.images[i].tobytes() for i in parts.train}
    assert not seen & {data.train.images[i].tobytes() for i in parts.validation}
    assert len(parts.validation) == 4


def test_images_are_preprocessed_by_their_spec(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 2, "dog": 2}, size=(30, 50))
    for image_spec, shape in (
        (ImageSpec(16, color=True, crop="none"), (16, 16, 3)),
        (ImageSpec(64, crop="none"), (64, 64)),
        (ImageSpec(), (28, 28)),
    ):
        assert load_data(str(folder), image_spec=image_spec).image_shape == shape
    flat = write_image_folder(tmp_path / "flat", {"cat": 2, "dog": 2}, size=(32, 32), noise=0)
    images = loaded(flat).train
    for name, image in zip(images.names, images.images, strict=True):
        assert (image == np.asarray(Image.open(flat / name))).all()


def test_fashion_mnist_has_one_image_spec() -> None:
    with pytest.raises(UsageError, match="28 x 28 pixels, not color 32 x 32"):
        load_data("sample", image_spec=WHOLE)
    with pytest.raises(UsageError, match="for image_size=64 color=false set crop=none"):
        Recipe(name="x", image_size=64)


# Faults of a folder


def test_a_name_without_a_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="missing: no such file or folder.*one sub-folder per"):
        loaded(tmp_path / "missing")
    with pytest.raises(UsageError, match="file: expected a folder, or a file .*.csv"):
        loaded(tmp_path / "file")


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({}, "no images; expected one sub-folder per class"),
        ({"cat": 3}, "two or more classes are needed, found one: cat"),
        ({"cat": 0, "dog": 0}, "no images; expected one sub-folder per class"),
        ({"cat": 3, "dog": 1}, r"these have fewer: dog \(1\)"),
    ],
)
def test_too_little_is_refused(classes: dict[str, int], said: str, tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", classes)
    with pytest.raises(DataError, match=said):
        loaded(folder)


def test_unreadable_images_are_listed_or_skipped(pets: Path) -> None:
    whole = (pets / "cat/0.png").read_bytes()
    (pets / "cat/truncated.png").write_bytes(whole[: len(whole) // 2])
    (pets / "cat/empty.png").touch()
    (pets / "dog/words.png").write_text("no picture at all")
    with pytest.raises(DataError) as raised:
        loaded(pets)
    said = str(raised.value)
    assert "3 of 13 images cannot be read (--skip-bad leaves them out)" in said
    assert "cat/empty.png (an empty file)" in said and "dog/words.png (not an image" in said
    assert "cat/truncated.png (damaged" in said and "\n" not in said
    for _ in range(2):  # made, and found in the cache
        data = loaded(pets, skip_bad=True)
        assert data.folder_report is not None
        assert sorted(data.folder_report.unreadable) == [
            "cat/empty.png",
            "cat/truncated.png",
            "dog/words.png",
        ]
        assert data.folder_report.warnings[0].startswith("unreadable images, left out: 3 (")
        assert len(data.train) == 10 and not set(data.folder_report.unreadable) & set(
            data.train.names
        )
        clean = {name: np.asarray(Image.open(pets / name)) for name in data.train.names}
        for name, image in zip(data.train.names, data.train.images, strict=True):
            assert (image == clean[name]).all()  # rows did not slip
    with pytest.raises(DataError):  # also from the cache
        loaded(pets)


def test_twenty_unreadable_images_are_named_and_the_others_counted(pets: Path) -> None:
    for number in range(25):
        (pets / f"cat/bad{number:02d}.png").touch()
    with pytest.raises(DataError, match="25 of 35 .*bad.*, and 5 more") as raised:
        loaded(pets)
    assert str(raised.value).count("an empty file") == 20


def test_links_are_followed_but_not_in_circles_and_pipes_stay_closed(
    pets: Path, tmp_path: Path
) -> None:
    outside = write_image_folder(tmp_path / "outside", {"cat": 3})
    (pets / "cat/loop").symlink_to(pets)
    (pets / "cat/link.png").symlink_to(outside / "cat/0.png")
    (pets / "eel").symlink_to(outside / "cat")
    os.mkfifo(pets / "dog/pipe.png")
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    try:
        os.chdir(pets / "dog")  # the name of a socket must be short
        server.bind("socket.png")
    finally:
        os.chdir(here)
        server.close()
    data = loaded(pets)
    assert data.folder_report is not None and data.class_names == ("cat", "dog", "eel")
    assert data.folder_report.counts["train"] == {"cat": 6, "dog": 5, "eel": 3}
    assert sorted(data.folder_report.special_files) == [
        "cat/loop",
        "dog/pipe.png",
        "dog/socket.png",
    ]
    assert any(
        line.startswith("pipes, devices and links to a folder above, not followed: 3 (cat/loop, ")
        for line in data.folder_report.warnings
    )


def test_files_of_systems_are_ignored_and_other_files_are_listed(pets: Path) -> None:
    for name in (".DS_Store", "cat/.hidden.png", "cat/Thumbs.db", "README.md", "dog/desktop.ini"):
        (pets / name).touch()
    (pets / ".git").mkdir()
    (pets / "__MACOSX/cat").mkdir(parents=True)
    (pets / "labels.csv").touch()
    (pets / "cat/notes.txt").touch()
    data = loaded(pets)
    assert data.folder_report is not None and len(data.train) == 10
    assert data.class_names == ("cat", "dog")
    assert sorted(data.folder_report.skipped) == ["cat/notes.txt", "labels.csv"]


ODD_NAMES = [
    b"line\nbreak",
    "right\u202eleft".encode(),
    "\U0001f45f boots".encode(),
    b"not utf-8 \xff\xfe",
    b"-leading",
    b"x" * 250,
    b"<b>&amp;",
    b"[red]markup[red]",
    b"100$ $x$",
]


def test_odd_names_work_and_are_shown_escaped(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {os.fsdecode(name): 2 for name in ODD_NAMES})
    for path in list(folder.rglob("0.png")):
        path.rename(path.with_name(f"{path.parent.name[:240]}.png"))
    data = loaded(folder)
    assert len(data.class_names) == len(ODD_NAMES) and len(data.train) == 2 * len(ODD_NAMES)
    for name in (*data.class_names, *data.train.names):
        assert name.isprintable() and name.encode()
    assert "line\\nbreak" in data.class_names and "right\\u202eleft" in data.class_names


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ("Cat", "cat", "'Cat' and 'cat'"),
        ("caf\u00e9", "cafe\u0301", r"'cafe\\u0301' and 'caf\\xe9'"),
        ("Stra\u00dfe", "strasse", r"'Stra\\xdfe' and 'strasse'"),
    ],
)
def test_names_that_some_systems_confuse_are_refused(
    first: str, second: str, shown: str, tmp_path: Path
) -> None:
    folder = write_image_folder(tmp_path / "pets", {first: 2, second: 2})
    if len(list(folder.iterdir())) < 2:
        pytest.skip("this system is one of them")
    with pytest.raises(DataError, match=f"{shown} differ only by case"):
        scan_folder(folder)


def test_the_same_image_in_two_splits_is_leakage(tmp_path: Path) -> None:
    pets = tmp_path / "pets"
    for seed, part in enumerate(("train", "validation", "test")):
        write_image_folder(pets / part, {"cat": 4, "dog": 4}, seed=seed)
    assert loaded(pets, strict=True).folder_report
    shutil.copy(pets / "train/cat/0.png", pets / "test/cat/copy.png")  # equal bytes
    Image.open(pets / "train/dog/1.png").save(pets / "validation/dog/9.bmp")  # equal pixels
    data = loaded(pets)
    assert data.folder_report is not None
    assert sorted(data.folder_report.leakage) == [
        ("test/cat/copy.png", "train/cat/0.png"),
        ("train/dog/1.png", "validation/dog/9.bmp"),
    ]
    assert any("(leakage): 2 (" in s for s in data.folder_report.warnings)
    with pytest.raises(DataError, match="in more than one split .*: 2 "):
        loaded(pets, strict=True)


def test_the_same_image_under_two_labels_is_reported(pets: Path) -> None:
    shutil.copy(pets / "cat/0.png", pets / "dog/also.png")
    data = loaded(pets, strict=True)  # no leakage
    assert data.folder_report is not None
    assert data.folder_report.conflicts == (("cat/0.png", "dog/also.png"),)
    assert "cat/0.png = dog/also.png" in " ".join(data.folder_report.warnings)


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (("train/cat", "train/dog", "eel"), "eel/ beside train/"),
        (("test/cat", "validation/cat"), r"test/ \(test\), validation/ \(validation\); expected"),
        (("train/cat", "train/dog", "val/cat", "valid/cat"), "each split once"),
        (("train/cat", "train/dog", "test/eel"), "in test/ but not in train/: eel"),
    ],
)
def test_an_unclear_layout_is_refused(folders: tuple[str, ...], said: str, tmp_path: Path) -> None:
    for seed, name in enumerate(folders):
        write_image_folder(tmp_path / "pets" / Path(name).parent, {Path(name).name: 2}, seed=seed)
    with pytest.raises(DataError, match=said):
        loaded(tmp_path / "pets")


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "toys", {"train": 3, "car": 3})
    assert loaded(folder).class_names == ("car", "train")


@given(st.binary(max_size=60))
@settings(max_examples=60)
def test_whatever_is_in_a_file_is_one_clear_line(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        folder = write_image_folder(Path(place) / "pets", {"cat": 2, "dog": 2}, size=(8, 8))
        (folder / "cat/odd.png").write_bytes(content)
        with pytest.raises(AnklebootError, match=r"1 of 5 images cannot be read.*odd\.png"):
            loaded(folder)


def test_images_of_nested_folders_belong_to_the_class_above(pets: Path) -> None:
    deep = pets / "cat/a/train/b"
    deep.mkdir(parents=True)
    shutil.move(pets / "cat/0.png", deep / "0.png")
    (pets / "beside.png").write_bytes((pets / "cat/1.png").read_bytes())
    scan = scan_folder(pets)
    by_class = {file.name: (file.split, file.class_name) for file in scan.images}
    assert by_class["cat/a/train/b/0.png"] == ("train", "cat") and len(by_class) == 10
    assert scan.notes == (
        "images without a label, left out: 1 (beside.png); `ankleboot predict` labels them",
    )
