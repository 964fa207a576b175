"""Layouts of folders as people have them: splits, classes, links, leftovers of systems."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.core.errors import DataError
from ankleboot.data.image_folder.listing import ImageListing, natural_order
from ankleboot.data.image_folder.scan import scan_folder
from ankleboot.data.image_folder.split_names import SPLIT_NAMES, split_of

PETS = ("cat", "dog")


def make(root: Path, *folders: str, files: int = 2, name: str = "{}.png") -> Path:
    """Make folders with files that a scan takes for images, as it opens none."""
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(files):
            (root / folder / name.format(number)).touch()
    return root


def splits(root: Path, *names: str, classes: tuple[str, ...] = PETS) -> Path:
    return make(root, *(f"{name}/{class_name}" for name in names for class_name in classes))


def counts(listing: ImageListing) -> dict[tuple[str, str], int]:
    places = [(image.split, image.class_name) for image in listing.images]
    return {place: places.count(place) for place in sorted(set(places))}


# Case 01


@pytest.mark.parametrize(
    ("names", "meanings"),
    [
        (("Training", "Testing"), {"train", "test"}),
        (("seg_train/seg_train", "seg_test/seg_test"), {"train", "test"}),
        (("TRAIN", "dev", "Holdout"), {"train", "validation", "test"}),
        (("train", "eval"), {"train", "validation"}),
        (("intel_train", "intel_val"), {"train", "validation"}),
        (("training_set/training_set", "test_set/test_set"), {"train", "test"}),
        (("train2017", "val2017"), {"train", "validation"}),
        (("pets/pets-v2/train_images", "pets/pets-v2/test_images"), {"train", "test"}),
        (("Train", "Valid", "__MACOSX/Train"), {"train", "validation"}),
    ],
)
def test_splits_are_known_by_the_names_that_people_give(
    names: tuple[str, ...], meanings: set[str], tmp_path: Path
) -> None:
    listing = scan_folder(splits(tmp_path, *names))
    assert counts(listing) == {(split, name): 2 for split in meanings for name in PETS}
    assert listing.class_names == PETS


@given(st.sampled_from(sorted(SPLIT_NAMES)), st.sampled_from(["{}", "{}_set", "x_{}", "{}-images"]))
def test_a_split_is_known_in_any_case(name: str, shape: str) -> None:
    for spelled in (name, name.upper(), name.capitalize()):
        assert split_of(shape.format(spelled)) == SPLIT_NAMES[name]


@pytest.mark.parametrize("name", ["cat", "trainer", "testimony", "value", "train_station", "", "_"])
def test_other_words_name_no_split(name: str) -> None:
    assert split_of(name) is None


@pytest.mark.parametrize("inner", [PETS, ("cat", "dog", "eel")])
def test_classes_that_all_hold_the_same_folders_are_refused(
    inner: tuple[str, ...], tmp_path: Path
) -> None:
    make(tmp_path, *(f"Partie1/{name}" for name in inner), *(f"Partie2/{name}" for name in PETS))
    with pytest.raises(DataError) as raised:
        scan_folder(tmp_path)
    message = str(raised.value)
    assert "understood Partie1/, Partie2/ as classes" in message
    assert "hold the same folders (cat, dog), as splits do" in message


def test_splits_may_be_in_the_folders_of_classes(tmp_path: Path) -> None:
    listing = scan_folder(make(tmp_path, "cat/train", "cat/Test", "dog/train", "dog/testing"))
    assert counts(listing) == {(split, name): 2 for split in ("test", "train") for name in PETS}
    assert listing.layout == "one folder for each class, train/, test/ in them"


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (("cat/train", "cat/test", "dog"), "cat/ hold splits, but dog/ do not"),
        (("cat/train", "cat/test", "dog/train", "dog/training"), "of the same split in dog/"),
        (("cat/train", "cat/val", "dog/val"), "in validation/ but not in train/: dog"),
    ],
)
def test_classes_that_hold_splits_must_agree(
    folders: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        scan_folder(make(tmp_path, *folders))


def test_classes_with_a_folder_of_images_each_are_classes(tmp_path: Path) -> None:
    listing = scan_folder(make(tmp_path, "n01/images", "n02/images"))
    assert listing.class_names == ("n01", "n02")


def test_the_whole_in_a_folder_of_its_own_is_found_and_noted(tmp_path: Path) -> None:
    listing = scan_folder(make(tmp_path, "archive/pets/cat", "archive/pets/dog"))
    assert listing.class_names == PETS
    assert listing.notes == ("everything is in archive/pets/; read from there",)


def test_splits_without_folders_of_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train/, val/ hold images but no folders of classes"):
        scan_folder(make(tmp_path, "images/train", "images/val"))


# Case 02


def test_our_own_runs_are_no_data(tmp_path: Path) -> None:
    make(tmp_path, *PETS, "runs/sprint-seed0-001", "runs/stopped", "audit")
    make(tmp_path, "cat/evaluated", "dog/evaluated")
    for name in (
        "runs/sprint-seed0-001/manifest.json",
        "runs/sprint-seed0-001/recipe.json",
        "runs/stopped/manifest.json",
        "runs/stopped/.lock",
        "audit/audit.json",
        "cat/evaluated/evaluation-test.json",
        "dog/evaluated/evaluation-new.json",
    ):
        (tmp_path / name).touch()
    listing = scan_folder(tmp_path)
    assert counts(listing) == {("train", "cat"): 2, ("train", "dog"): 2}
    (note,) = listing.notes
    assert note.startswith("written by Ankleboot, no data: 5 (") and "runs/stopped" in note
    with pytest.raises(DataError, match="Ankleboot wrote this folder"):
        scan_folder(tmp_path / "runs/stopped")


# Case 03


def test_images_classes_and_splits_may_be_links(tmp_path: Path) -> None:
    store, pets = splits(tmp_path / "store", "train", "valid"), tmp_path / "pets"
    make(pets, "train/cat")
    (pets / "train/dog").symlink_to(store / "train/dog")
    (pets / "train/cat/linked.png").symlink_to(store / "train/cat/0.png")
    (pets / "valid").symlink_to(store / "valid")
    assert counts(scan_folder(pets)) == {
        ("train", "cat"): 3,
        ("train", "dog"): 2,
        ("validation", "cat"): 2,
        ("validation", "dog"): 2,
    }


def test_a_broken_link_to_a_split_or_class_is_an_error(tmp_path: Path) -> None:
    for root, name in (
        (make(tmp_path / "a", *PETS), "valid"),
        (make(tmp_path / "b", *PETS), "eel"),
    ):
        (root / name).symlink_to(tmp_path / "gone")
        with pytest.raises(DataError, match=f"{name}: a link to something that is missing"):
            scan_folder(root)


def test_a_broken_link_to_an_image_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    make(tmp_path, *PETS)
    (tmp_path / "cat/annexed.jpg").symlink_to(".git/annex/gone")
    assert counts(scan_folder(tmp_path))["train", "cat"] == 3


def test_links_in_circles_end(tmp_path: Path) -> None:
    make(tmp_path, *PETS)
    (tmp_path / "cat/again").symlink_to(tmp_path)
    (tmp_path / "dog/self").symlink_to(tmp_path / "dog/self")
    listing = scan_folder(tmp_path)
    assert listing.special_files == ("cat/again", "dog/self")
    assert counts(listing) == {("train", "cat"): 2, ("train", "dog"): 2}


def test_the_number_and_depth_of_entries_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, *PETS, "dog/" + "/".join("d" * 45))
    with pytest.raises(DataError, match="more than 40 folders deep"):
        scan_folder(tmp_path)
    shutil.rmtree(tmp_path / "dog/d")
    monkeypatch.setattr("ankleboot.data.walk.MAX_ENTRIES", 4)
    with pytest.raises(DataError, match="more than 4 files and folders; does a link"):
        scan_folder(tmp_path)


# Case 06


@pytest.mark.parametrize("place", ["test", "test/test", "test/unknown", "seg_pred/seg_pred"])
def test_unlabeled_test_images_are_noted_and_left_out(place: str, tmp_path: Path) -> None:
    make(splits(tmp_path, "train", "val"), place, files=3)
    listing = scan_folder(tmp_path)
    assert {split for split, _ in counts(listing)} == {"train", "validation"}
    (note,) = listing.notes
    top = place.partition("/")[0]
    assert note.startswith(f"{top}/: 3 images without labels, left out; `ankleboot predict ")
    assert f"{tmp_path / top} --csv` labels them" in note


@pytest.mark.parametrize("place", ["val", "validation/images"])
def test_unlabeled_validation_images_are_an_error(place: str, tmp_path: Path) -> None:
    make(splits(tmp_path, "train"), place, files=3)
    with pytest.raises(DataError, match="holds 3 images but no folders of classes"):
        scan_folder(tmp_path)


def test_images_beside_the_classes_are_noted(tmp_path: Path) -> None:
    make(make(tmp_path, *PETS), ".", name="beside{}.png")
    (note,) = scan_folder(tmp_path).notes
    assert note.startswith("images without a label, left out: 2 (beside0.png, beside1.png)")


# Case 07


def test_numbers_in_names_of_classes_count_by_their_value(tmp_path: Path) -> None:
    listing = scan_folder(make(tmp_path, *map(str, range(27))))
    assert listing.class_names == tuple(map(str, range(27)))
    assert natural_order(["b10", "b9", "a", "B2", "b09", "b1x"]) == (
        *("B2", "a", "b1x", "b09", "b9", "b10"),
    )


@given(st.lists(st.text(max_size=8), unique=True))
def test_the_order_of_names_is_one_order(names: list[str]) -> None:
    assert natural_order(names) == natural_order(reversed(names))
    assert sorted(natural_order(names)) == sorted(names)


# Case 18: formats that are not read


def test_images_that_are_not_read_are_named_as_what_they_are(tmp_path: Path) -> None:
    make(make(tmp_path, *PETS), "cat", files=1, name="raw{}.CR2")
    listing = scan_folder(tmp_path)
    assert listing.notes == (
        "images in formats that are not read, left out: 1 (cat/raw0.CR2: camera raw)",
    )
    assert listing.skipped == ()


# Case 22


SYSTEM = ("lost+found", "$RECYCLE.BIN", "__MACOSX/cat", "System Volume Information", ".Trash-0")


def test_folders_of_systems_are_ignored_everywhere(tmp_path: Path) -> None:
    make(tmp_path, *PETS, *SYSTEM, "cat/@eaDir", "dog/.thumbnails")
    listing = scan_folder(tmp_path)
    assert counts(listing) == {("train", "cat"): 2, ("train", "dog"): 2}
    assert (listing.notes, listing.skipped) == ((), ())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may search every folder")
def test_a_folder_of_the_system_is_not_even_opened(tmp_path: Path) -> None:
    make(tmp_path, *PETS, "lost+found")
    (tmp_path / "lost+found").chmod(0)
    try:
        assert scan_folder(tmp_path).class_names == PETS
    finally:
        (tmp_path / "lost+found").chmod(0o700)


def test_an_empty_folder_is_a_note(tmp_path: Path) -> None:
    make(splits(tmp_path / "a", "train"), "labels", "val/cat", files=0)
    listing = scan_folder(tmp_path / "a")
    assert listing.notes == ("folders without images: 2 (labels, val)",)
    make(make(tmp_path / "b", *PETS), "labels", files=0)
    assert scan_folder(tmp_path / "b").class_names == PETS


# Further cases


def test_photos_that_are_still_in_icloud_are_noted(tmp_path: Path) -> None:
    root = make(tmp_path, *PETS)
    (root / "cat/.9.jpg.icloud").touch()
    (root / "cat/.DS_Store").touch()
    listing = scan_folder(root)
    assert len(listing.images) == 4
    assert [note for note in listing.notes if "cat/.9.jpg.icloud: not on this disk" in note]
    assert not any("DS_Store" in text for text in (*listing.notes, *listing.skipped))


def test_splits_that_repeat_inside_a_folder_are_left_out_once(tmp_path: Path) -> None:
    """As the best known archive of chest X-rays has them."""
    splits(tmp_path / "chest_xray", "train", "test")
    splits(tmp_path, "train", "test")
    listing = scan_folder(tmp_path)
    assert len(listing.images) == 8
    assert listing.notes == ("chest_xray/: 8 images in the same splits once more, left out",)
    splits(tmp_path, "spare")
    with pytest.raises(DataError, match="spare/ beside"):
        scan_folder(tmp_path)


def test_masks_are_noted(tmp_path: Path) -> None:
    make(tmp_path / "a", "images", "masks")
    assert (
        "images of masks/ have the names of those of images/"
        in scan_folder(tmp_path / "a").notes[0]
    )
    make(tmp_path / "b", "benign", "normal")
    make(tmp_path / "b", "benign", name="{}_mask.png")
    assert scan_folder(tmp_path / "b").notes[0].startswith("2 images are named like masks")


def test_classes_of_masks_are_no_masks(tmp_path: Path) -> None:
    make(tmp_path, "with_mask", "without_mask")
    (tmp_path / "with_mask/_mask.png").touch()
    assert scan_folder(tmp_path).notes == ()
