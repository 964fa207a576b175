"""From a photograph to a name: the garment is found, converted, looked at and put into words."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.types import Image, Pixels
from ankleboot.data.augmentation import augment
from ankleboot.data.load import load_data
from ankleboot.data.photo_simulation import simulate_photo
from ankleboot.data.preprocessing.garment import (
    garment_image,
    has_plain_background,
    negated,
    opacity,
)
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import (
    Segmentation,
    connected_components,
    remove_specks,
    segment_garment,
)
from ankleboot.data.preprocessing.visualize import preprocessing_strip
from ankleboot.evaluation import grabcut, photo_benchmark
from ankleboot.inference.decide import Prediction, decide
from ankleboot.inference.ensemble import EnsemblePredictor
from ankleboot.inference.predict import predict_files
from ankleboot.inference.router import ModelRouter
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained.catalog import FOLDER, SEGMENTATION
from ankleboot.recipes.catalog import SIMULATED, TRANSFER
from ankleboot.recipes.recipe import override
from helpers.predictors import FakePredictor


def scene(
    index: int, seed: int = 0, size: tuple[int, int] = (300, 400)
) -> tuple[Pixels, np.ndarray]:
    """A sample image as a blue thing on boards, and where it is."""
    generator = np.random.default_rng(seed)
    width, height = size
    across = np.arange(width) // 37 % 2 * 22 + 130
    boards = np.tile(across[None, :, None] * np.array([1.2, 1.0, 0.7]), (height, 1, 1))
    boards += generator.normal(0, 7, boards.shape)
    side = int(0.75 * width)
    image = Picture.fromarray(load_data("sample").test.images[index]).resize((side, side))
    thing = np.asarray(image).astype(float)
    top, left = (height - side) // 2, (width - side) // 2
    mask = np.zeros((height, width), bool)
    mask[top : top + side, left : left + side] = thing > 30
    light = np.zeros((height, width))
    light[top : top + side, left : left + side] = 0.25 + thing / 500
    blue = light[..., None] * np.array([90, 110, 240]) + generator.normal(0, 4, boards.shape)
    pixels = np.where(mask[..., None], blue, boards)
    return np.clip(pixels, 0, 255).astype(np.uint8), mask


def enlarged(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Picture.fromarray(mask).resize(size)) >= 128


@pytest.mark.parametrize("index", [0, 1, 2, 4, 9])
def test_the_garment_is_found(index: int) -> None:
    pixels, mask = scene(index)
    found = segment_garment(pixels)
    assert grabcut.overlap(enlarged(found.mask, (300, 400)), mask) > 0.8
    assert found.failure is None and found.num_objects >= 1
    assert found.area_fraction == pytest.approx(mask.mean(), abs=0.08)


def test_parts_are_joined_over_sides_and_not_over_corners() -> None:
    mask = np.zeros((96, 96), bool)
    mask[10:30, 10:30] = mask[50:70, 40:60] = mask[80, 80] = True
    mask[30:40, 29] = True  # joined over a side
    mask[40, 30] = True  # not over a corner
    numbers = connected_components(mask)
    assert ((numbers > 0) == mask).all()
    _, areas = np.unique(numbers[mask], return_counts=True)
    assert sorted(areas.tolist()) == [1, 1, 400, 410]
    assert not connected_components(np.zeros((96, 96), bool)).any()


def test_specks_are_left_out_and_things_are_counted() -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[10:50, 10:50] = 255
    mask[9, 10:50] = 90  # its soft edge
    mask[60:80, 20:60] = 200  # half as large
    mask[90:94, 90:94] = 255
    found = remove_specks(mask)
    assert found.num_objects == 2 and found.area_fraction == pytest.approx(2400 / 96**2)
    assert not found.mask[90:94, 90:94].any()
    np.testing.assert_array_equal(found.mask[:90], mask[:90])
    empty = remove_specks(np.full((96, 96), 100, np.uint8))
    assert empty.num_objects == 0 and empty.failure == "no garment found on the photograph"


def test_a_damaged_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ankleboot.data.preprocessing import segmentation as module

    content = bytearray(SEGMENTATION.read_bytes())
    content[1000] ^= 1
    (tmp_path / "cut_out.tflite").write_bytes(content)
    monkeypatch.setattr(module, "SEGMENTATION", tmp_path / "cut_out.tflite")
    module._network.cache_clear()
    with pytest.raises(ModelError, match="damaged"):
        segment_garment(scene(0)[0])
    module._network.cache_clear()


def test_backgrounds_are_told_apart() -> None:
    pixels, mask = scene(0)
    assert not has_plain_background(pixels)
    on_white = np.where(mask[..., None], pixels, 250).astype(np.uint8)
    assert has_plain_background(on_white)
    assert DecodedImage(on_white).segmentation is None
    assert DecodedImage(pixels).segmentation is not None
    speck = on_white.copy()
    speck[0, :5] = 0  # dirt
    assert has_plain_background(speck)


def test_a_cut_out_garment_looks_as_on_a_plain_background() -> None:
    """The same T-shirt on boards and on white becomes nearly the same image."""
    pixels, mask = scene(0)
    on_white = np.where(mask[..., None], pixels, 255).astype(np.uint8)
    cells = Picture.fromarray(mask.astype(np.uint8) * 255).resize((96, 96), Picture.Resampling.BOX)
    cut, plain = garment_image(pixels, np.asarray(cells)), garment_image(on_white)
    assert np.corrcoef(cut.ravel(), plain.ravel())[0, 1] > 0.93


def test_a_white_garment_does_not_vanish_and_the_background_does() -> None:
    pixels = np.full((120, 100, 3), 40, np.uint8)
    pixels[30:90, 20:80] = 255
    mask = np.zeros((96, 96), np.uint8)
    mask[24:72, 20:76] = 255
    image = garment_image(pixels, mask)
    assert image.shape == (28, 28) and image[14, 14] == 25
    assert image[:, 0].max() > 0 or image[0].max() > 0  # the longest side has 28 pixels
    alpha = opacity(pixels, mask)
    assert alpha.shape == (120, 100) and (negated(pixels, alpha)[alpha == 0] == 0).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_any_mask_gives_an_image(seed: int) -> None:
    generator = np.random.default_rng(seed)
    height, width = generator.integers(1, 60, 2)
    pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = (generator.random((96, 96)) < generator.random()).astype(np.uint8) * 255
    image = garment_image(pixels, mask)
    assert image.shape == (28, 28) and (mask.any() or not image.any())


def test_images_of_the_data_set_are_not_searched() -> None:
    image = load_data("sample").test.images[0]
    pixels = np.repeat(image[..., None], 3, axis=2)
    decoded = DecodedImage(pixels)
    assert decoded.is_dataset_image and decoded.segmentation is None
    np.testing.assert_array_equal(decoded.garment, image)
    assert not DecodedImage(pixels[:, :27]).is_dataset_image


LABELS = ("Dress", "Shirt", "Pullover", "hat", "skirt")
INFO = ModelMetadata(labels=LABELS, reject_labels=("hat", "skirt"), crop="none", abstain_below=0.6)


def said(
    *shares: float, garment: Segmentation | None = None, info: ModelMetadata = INFO
) -> Prediction:
    image = np.arange(784, dtype=np.uint8).reshape(28, 28)
    return decide(image, garment, np.array(shares, np.float32), info)


def test_answers_are_put_into_words() -> None:
    sure = said(0.7, 0.2, 0.05, 0.03, 0.02)
    assert (sure.label, sure.index, sure.abstained, sure.reason) == ("Dress", 0, False, None)
    assert list(sure.probs) == ["Dress", "Shirt", "Pullover"]
    assert sure.none_of_these == pytest.approx(0.05)
    between = said(0.02, 0.5, 0.44, 0.02, 0.02)
    assert between.reason == "unsure between Shirt and Pullover" and between.label == "Shirt"
    foreign = said(0.2, 0.1, 0.1, 0.2, 0.4)
    assert foreign.reason == "not one of the 3 (most like skirt)" and foreign.label == "Dress"
    nothing = Segmentation(np.zeros((96, 96), np.uint8), 0, 0.0)
    lost = said(0.9, 0.1, 0, 0, 0, garment=nothing)
    assert lost.abstained and lost.reason == "no garment found on the photograph"
    two = Segmentation(np.zeros((96, 96), np.uint8), 2, 0.3)
    assert said(0.9, 0.1, 0, 0, 0, garment=two).reason == "more than one garment on the photograph"
    shoes = ModelMetadata(labels=("Sneaker", "Coat"))
    assert said(0.9, 0.1, garment=two, info=shoes).reason is None  # a pair
    own = ModelMetadata(labels=("cat", "dog"), crop="none")  # a model of other things
    assert said(0.9, 0.1, garment=nothing, info=own).reason is None


def test_declined_labels_travel_with_the_model() -> None:
    assert ModelMetadata.from_json(json.loads(json.dumps(INFO.to_json())), "a") == INFO
    assert "declined" not in ModelMetadata().to_json()
    with pytest.raises(ModelError, match="damaged metadata"):
        ModelMetadata.from_json(INFO.to_json() | {"reject_labels": ["boat"]}, "a")


def test_views_agree_by_their_geometric_mean() -> None:
    rows = [np.array([[0.8, 0.2]], np.float32), np.array([[0.2, 0.8]], np.float32)]
    info = ModelMetadata(labels=("a", "b"), recipe="both")
    first, second = (FakePredictor(row, info) for row in rows)
    image = load_data("sample").test.images[:1]
    even = EnsemblePredictor([(first, 1.0), (second, 1.0)], info).predict(image)
    assert even[0] == pytest.approx([0.5, 0.5], abs=1e-3)
    heavier = EnsemblePredictor([(first, 2.0), (second, 1.0)], info).predict(image)
    yes, no = (0.8**2 * 0.2) ** (1 / 3), (0.2**2 * 0.8) ** (1 / 3)
    assert heavier[0, 0] == pytest.approx(yes / (yes + no), abs=1e-3)
    assert EnsemblePredictor([(first, 1.0)], info).predict(image[:0]).shape == (0, 2)


def test_the_views_are_of_the_image() -> None:
    seen: list[np.ndarray] = []

    class Watcher(FakePredictor):
        def predict(self, images: np.ndarray) -> np.ndarray:
            seen.append(images)
            return super().predict(images)

    info = ModelMetadata(labels=("a", "b"))
    watcher = Watcher(np.full((1, 2), 0.5, np.float32), info)
    image = load_data("sample").test.images[:1]
    EnsemblePredictor([(watcher, 1.0)], info).predict(image)
    assert len(seen) == 4 and any(np.array_equal(view, image) for view in seen)
    assert any(np.array_equal(view, image[:, :, ::-1]) for view in seen)
    upright = image[0].astype(float)
    for view in seen:
        closest = max(
            np.corrcoef(v.ravel(), upright.ravel())[0, 1] for v in (view, view[:, :, ::-1])
        )
        assert closest > 0.95


@given(st.integers(0, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_imitations_are_images_that_fill_their_frame(label: int, seed: int) -> None:
    image = load_data("sample").train.images[label * 7]
    found = simulate_photo(image, CLASS_NAMES[label], np.random.default_rng(seed))
    assert found.shape == (28, 28) and found.dtype == np.uint8
    inside = np.argwhere(found > 0)
    assert np.ptp(inside, axis=0).max() >= 20


def test_an_empty_image_has_no_imitation() -> None:
    nothing: Image = np.zeros((28, 28), np.uint8)
    for name in ("Sneaker", "Pullover", "Dress"):
        assert not simulate_photo(nothing, name, np.random.default_rng(0)).any()


def test_photo_faults_are_done_to_their_share_and_can_be_repeated() -> None:
    part = load_data("sample").train
    images, names = part.images[:200], [CLASS_NAMES[label] for label in part.labels[:200]]
    recipe = override(SIMULATED, {"flip": "false", "photo_simulation": "0.3"})
    first, again = (augment(images, recipe, np.random.default_rng(5), names) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    changed = (first != images).any(axis=(1, 2)).mean()
    assert 0.2 < changed < 0.4
    with pytest.raises(UsageError, match="crop=garment"):
        override(TRANSFER, {"photo_simulation": "0.5"})


def test_steps_are_shown(tmp_path: Path) -> None:
    pixels, _ = scene(0)
    found = segment_garment(pixels)
    sheet = preprocessing_strip(
        pixels, found, DecodedImage(pixels).garment, "T-shirt/top, 99 % sure"
    )
    assert sheet.height < 300 < sheet.width
    alone = preprocessing_strip(pixels, None, pixels, "whole")
    assert alone.width < sheet.width / 2


def test_the_command_writes_strips_and_answers_photographs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Picture.fromarray(scene(1)[0]).save(tmp_path / folder / "shirt.jpg")
    pictures = [str(tmp_path / folder / "shirt.jpg") for folder in ("a", "b")]
    steps = tmp_path / "steps"
    assert run(["predict", "--json", "--save-steps", str(steps), *pictures]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["path"] for line in lines] == pictures
    for line in lines:
        total = sum(line["probs"].values()) + line["none_of_these"]
        assert total == pytest.approx(1, abs=1e-4) and list(line["probs"]) == list(CLASS_NAMES)
        assert line["index"] == CLASS_NAMES.index(line["label"])
    assert sorted(path.name for path in steps.iterdir()) == ["shirt-2.png", "shirt.png"]


@pytest.mark.usefixtures("isolated_state_dir")
def test_zero_shot_knows_the_data_set_too(capfd: pytest.CaptureFixture[str]) -> None:
    before = sorted(FOLDER.rglob("*"))
    assert run(["evaluate", "zero-shot", "--data", "sample", "--split", "test", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["accuracy"] > 0.88 and document["test_reads"] == 1
    assert sorted(FOLDER.rglob("*")) == before  # nothing is written into the package


def test_each_picture_gets_its_model() -> None:
    usual = FakePredictor(np.full((9, 10), 0.1, np.float32))
    experts = ModelRouter(usual, Path("photo"))
    small = np.repeat(load_data("sample").test.images[0][..., None], 3, axis=2)
    assert experts.route(DecodedImage(small)) is usual
    assert experts.route(DecodedImage(scene(0)[0])) is experts.photo is not usual
    assert experts.photo.info.reject_labels == ("hat", "shorts", "skirt")
    assert ModelRouter(usual).route(DecodedImage(scene(0)[0])) is usual


def test_a_pattern_as_users_write_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    Picture.fromarray(scene(2)[0]).save(tmp_path / "deep" / "a.jpg")
    usual = FakePredictor(np.full((9, 10), 0.1, np.float32))
    found = photos_found(str(tmp_path / "**"))
    (only,) = [
        one for one in predict_files(ModelRouter(usual), found) if isinstance(one, Prediction)
    ]
    assert only.path.endswith("a.jpg")


def photos_found(pattern: str) -> list[Path]:
    from ankleboot.data.preprocessing.find_images import find_images

    return find_images([pattern], lambda _: None)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two scenes in each of four folders, one of them foreign."""
    for kind, index in (("t-shirt", 0), ("pants", 1), ("shoes", 9), ("hat", 8)):
        place = tmp_path / "photos" / kind
        place.mkdir(parents=True)
        for seed in (0, 1):
            picture = Picture.fromarray(scene(index + 10 * seed, seed)[0])
            picture.save(place / f"{seed}.jpg", quality=95)
    return tmp_path / "photos"


def test_the_photo_benchmark_measures_every_method(
    folders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["bench", "photos", "--photos", str(folders), "--output", str(out), "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document == json.loads((out / "photos.json").read_text())
    assert [row["name"] for row in document["methods"]] == list(photo_benchmark.METHODS)
    assert document["num_photos"] == 8 and document["num_of_the_ten"] == 6
    for row in document["methods"]:
        assert set(row["by_kind"]) == {"t-shirt", "pants", "shoes"}
        assert row["accuracy"]["num"] == 6
        low, high = row["accuracy"]["ci95"]
        assert low <= row["accuracy"]["share"] <= high
    ours = {row["name"]: row["accuracy"]["share"] for row in document["methods"]}
    assert ours["cut-out"] > ours["grey"]
    assert {row["declined"]["num"] for row in document["declining"]} == {2}
    assert document["milliseconds"]["all of photo"]["p50"] > 0
    assert (out / "photos-wrong.png").is_file() and (out / "photos-risk.png").is_file()
    assert run(["bench", "photos", "--photos", str(tmp_path / "out")]) == 3
    assert "no photos; expected folders named t-shirt, pants" in capfd.readouterr().err
