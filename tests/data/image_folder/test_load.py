"""Pictures of one's own: what is in a folder, what is wrong with it, and what becomes of it."""

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ankleboot.core.errors import AnklebootError, DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.image_folder.scan import scan_folder
from ankleboot.data.load import load_data
from ankleboot.data.splits import split
from ankleboot.recipes.catalog import PLAIN
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.recipe import Recipe
from helpers.images import write_image_folder

WHOLE = ImageSpec(32, color=True, crop="none")


@pytest.fixture(autouse=True)
def cache(isolated_cache_dir: Path) -> Path:
    return isolated_cache_dir.with_name("pictures")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of five pictures each."""
    return write_image_folder(tmp_path / "pets", {"cat": 5, "dog": 5})


def loaded(folder: Path, *, skip_bad: bool = False, strict: bool = False) -> Dataset:
    return load_data(str(folder), WHOLE, skip_bad=skip_bad, strict=strict)


def test_a_folder_of_classes_becomes_a_data_set(pets: Path) -> None:
    data = loaded(pets)
    assert data.name == "pets/" and data.class_names == ("cat", "dog")
    assert data.train.images.shape == (10, 32, 32, 3) and len(data.test) == 0
    assert np.bincount(data.train.labels).tolist() == [5, 5]
    for name, label in zip(data.train.names, data.train.labels, strict=True):
        assert name.startswith(data.class_names[label])
    assert data.validation is None and data.findings is not None
    assert data.findings.counts == {"train": {"cat": 5, "dog": 5}}


@pytest.mark.parametrize("word", ["validation", "val", "valid", "Validation"])
def test_folders_of_parts_are_a_fixed_split(word: str, tmp_path: Path) -> None:
    for part, count in (("train", 4), (word, 2), ("test", 3)):
        write_image_folder(tmp_path / "pets" / part, {"cat": count, "dog": count}, seed=count)
    data = loaded(tmp_path / "pets")
    assert (len(data.train), len(data.test)) == (12, 6)
    for recipe in (PLAIN, Recipe(name="x", split="stratified", split_seed=3)):
        parts = data.split(recipe)
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
    chosen = first.split(PLAIN).validation
    assert np.bincount(first.train.labels[chosen]).tolist() == [8, 4]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 25)), min_size=12, max_size=80),
    st.sampled_from(["last", "stratified"]),
    st.floats(0.1, 0.6),
)
@settings(max_examples=80, deadline=None)
def test_equal_pictures_stay_on_one_side(
    pictures: list[tuple[int, int]], how: str, fraction: float
) -> None:
    labels = np.array([label for label, _ in pictures])
    twins = np.array([twin for _, twin in pictures], np.int64)
    recipe = Recipe(name="x", split=how, validation_fraction=fraction)
    try:
        parts = split(labels, recipe, twins=twins)
    except DataError:
        assert round(len(set(twins.tolist())) * fraction) in (0, len(set(twins.tolist())))
        return
    assert not set(twins[parts.train].tolist()) & set(twins[parts.validation].tolist())
    both = np.concatenate([parts.train, parts.validation])
    assert sorted(both.tolist()) == list(range(len(labels)))
    assert len(set(twins[parts.validation])) == round(len(set(twins.tolist())) * fraction)


def test_a_copy_follows_its_picture_whatever_its_name_or_format(pets: Path) -> None:
    for number, path in enumerate(sorted(pets.rglob("*.png"))):
        Image.open(path).save(path.with_name(f"copy-{number}.bmp"))  # other bytes, equal pixels
    data = loaded(pets)
    assert data.findings is not None and len(data.findings.twins) == 10
    parts = data.split(PLAIN)
    seen = {data.train.images[i].tobytes() for i in parts.train}
    assert not seen & {data.train.images[i].tobytes() for i in parts.validation}
    assert len(parts.validation) == 4


def test_pictures_are_prepared_as_they_are_wanted(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 2, "dog": 2}, size=(30, 50))
    for kind, shape in (
        (ImageSpec(16, color=True, crop="none"), (16, 16, 3)),
        (ImageSpec(64, crop="none"), (64, 64)),
        (ImageSpec(), (28, 28)),
    ):
        assert load_data(str(folder), kind).image_shape == shape
    flat = write_image_folder(tmp_path / "flat", {"cat": 2, "dog": 2}, size=(32, 32), noise=0)
    images = loaded(flat).train
    for name, image in zip(images.names, images.images, strict=True):
        assert (image == np.asarray(Image.open(flat / name))).all()


def test_fashion_mnist_is_only_what_it_is() -> None:
    with pytest.raises(UsageError, match="28 x 28 pixels, not color 32 x 32"):
        load_data("sample", WHOLE)
    with pytest.raises(UsageError, match="for image_size=64 color=false set crop=none"):
        Recipe(name="x", image_size=64)


# The cache


def test_a_second_start_decodes_nothing(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = loaded(pets)
    monkeypatch.setattr("ankleboot.data.image_folder.cache.decode", None)  # calling it would fail
    second = loaded(pets)
    assert (first.train.images == second.train.images).all()
    assert isinstance(second.train.images, np.memmap) and second.findings == first.findings
    with pytest.raises(TypeError):  # the guard can fail: other pixels are wanted here
        load_data(str(pets), ImageSpec(16, crop="none"))


def test_new_code_makes_new_pixels(
    pets: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(pets)
    monkeypatch.setattr("PIL.__version__", "0")
    loaded(pets)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", ["images.npy", "index.json"])
def test_a_damaged_cache_is_made_anew(damage: str, pets: Path, cache: Path) -> None:
    before = np.array(loaded(pets).train.images)
    (path,) = cache.glob(f"*/{damage}")
    path.write_bytes(path.read_bytes()[:-50])
    assert (loaded(pets).train.images == before).all()


def test_an_index_of_other_pictures_is_not_believed(pets: Path, cache: Path) -> None:
    before = loaded(pets)
    (path,) = cache.glob("*/index.json")
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"digests": document["digests"][1:]}))
    assert loaded(pets).findings == before.findings


def test_a_kill_while_preparing_leaves_nothing_that_counts(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ankleboot.data.image_folder.cache.write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            loaded(pets)
    assert len(loaded(pets).train) == 10


# What is wrong with a folder


def test_what_is_no_folder_is_a_slip_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "missing"):
        with pytest.raises(UsageError, match=f"{name}: no such folder.*one sub-folder per class"):
            loaded(tmp_path / name)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({}, "two or more classes are needed, found none; expected one sub-folder per class"),
        ({"cat": 3}, "two or more classes are needed, found cat"),
        ({"cat": 0, "dog": 0}, "no pictures; expected one sub-folder per class"),
        ({"cat": 3, "dog": 1, "eel": 0}, r"too few have dog \(1\), eel \(0\)"),
    ],
)
def test_too_little_is_refused(classes: dict[str, int], said: str, tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", classes)
    with pytest.raises(DataError, match=said):
        loaded(folder)


def test_bad_pictures_are_listed_or_skipped(pets: Path) -> None:
    whole = (pets / "cat/0.png").read_bytes()
    (pets / "cat/truncated.png").write_bytes(whole[: len(whole) // 2])
    (pets / "cat/empty.png").touch()
    (pets / "dog/words.png").write_text("no picture at all")
    with pytest.raises(DataError) as raised:
        loaded(pets)
    said = str(raised.value)
    assert "3 of 13 pictures cannot be read (--skip-bad leaves them out)" in said
    assert "cat/empty.png (an empty file)" in said and "dog/words.png (not a picture" in said
    assert "cat/truncated.png (damaged" in said and "\n" not in said
    for _ in range(2):  # made, and found in the cache
        data = loaded(pets, skip_bad=True)
        assert data.findings is not None
        assert sorted(data.findings.bad) == [
            "cat/empty.png",
            "cat/truncated.png",
            "dog/words.png",
        ]
        assert data.findings.sentences[0].startswith("pictures that cannot be read, left out: 3 (")
        assert len(data.train) == 10 and not set(data.findings.bad) & set(data.train.names)
        clean = {name: np.asarray(Image.open(pets / name)) for name in data.train.names}
        for name, image in zip(data.train.names, data.train.images, strict=True):
            assert (image == clean[name]).all()  # rows did not slip
    with pytest.raises(DataError):  # also from the cache
        loaded(pets)


def test_twenty_bad_pictures_are_named_and_the_others_counted(pets: Path) -> None:
    for number in range(25):
        (pets / f"cat/bad{number:02d}.png").touch()
    with pytest.raises(DataError, match="25 of 35 .*bad.*, and 5 more") as raised:
        loaded(pets)
    assert str(raised.value).count("an empty file") == 20


def test_an_unreadable_picture_is_a_bad_one(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "3.png":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refused)  # the tests may run as somebody who may all
    with pytest.raises(DataError, match="2 of 10 pictures cannot be read.*Permission denied"):
        loaded(pets)


def test_links_pipes_and_devices_are_counted_and_never_followed(pets: Path, tmp_path: Path) -> None:
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
    assert data.findings is not None and len(data.train) == 10
    assert sorted(data.findings.special) == [
        "cat/link.png",
        "cat/loop",
        "dog/pipe.png",
        "dog/socket.png",
        "eel",
    ]
    (said,) = data.findings.sentences
    assert said.startswith("links, pipes and devices, not followed: 5 (cat/link.png, ")


def test_what_systems_leave_is_ignored_and_other_files_are_listed(pets: Path) -> None:
    for name in (".DS_Store", "cat/.hidden.png", "cat/Thumbs.db", "README.md", "dog/desktop.ini"):
        (pets / name).touch()
    (pets / ".git").mkdir()
    (pets / "__MACOSX/cat").mkdir(parents=True)
    (pets / "labels.csv").touch()
    (pets / "cat/notes.txt").touch()
    data = loaded(pets)
    assert data.findings is not None and len(data.train) == 10
    assert data.class_names == ("cat", "dog")
    assert sorted(data.findings.skipped) == ["cat/notes.txt", "labels.csv"]


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
    with pytest.raises(DataError, match=f"{shown} differ only by case or Unicode form"):
        scan_folder(folder)


def test_the_same_picture_in_two_parts_is_leakage(tmp_path: Path) -> None:
    pets = tmp_path / "pets"
    for seed, part in enumerate(("train", "validation", "test")):
        write_image_folder(pets / part, {"cat": 4, "dog": 4}, seed=seed)
    assert loaded(pets, strict=True).findings
    shutil.copy(pets / "train/cat/0.png", pets / "test/cat/copy.png")  # equal bytes
    Image.open(pets / "train/dog/1.png").save(pets / "validation/dog/9.bmp")  # equal pixels
    data = loaded(pets)
    assert data.findings is not None
    assert sorted(data.findings.leaks) == [
        ("test/cat/copy.png", "train/cat/0.png"),
        ("train/dog/1.png", "validation/dog/9.bmp"),
    ]
    assert any("(leakage: what is learned is no test): 2 (" in s for s in data.findings.sentences)
    with pytest.raises(DataError, match="in more than one part .*: 2 "):
        loaded(pets, strict=True)


def test_the_same_picture_under_two_labels_is_reported(pets: Path) -> None:
    shutil.copy(pets / "cat/0.png", pets / "dog/also.png")
    data = loaded(pets, strict=True)  # no leakage
    assert data.findings is not None
    assert data.findings.conflicts == (("cat/0.png", "dog/also.png"),)
    assert "cat/0.png = dog/also.png" in " ".join(data.findings.sentences)


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (("train/cat", "train/dog", "eel"), "eel/ beside train/"),
        (("test/cat", "validation/cat"), "test/, validation/; expected train/"),
        (("train/cat", "train/dog", "val/cat", "valid/cat"), "each part once"),
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
@settings(max_examples=60, deadline=None)
def test_whatever_is_in_a_file_is_one_clear_line(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        folder = write_image_folder(Path(place) / "pets", {"cat": 2, "dog": 2}, size=(8, 8))
        (folder / "cat/odd.png").write_bytes(content)
        with pytest.raises(AnklebootError, match=r"1 of 5 pictures cannot be read.*odd\.png"):
            loaded(folder)
