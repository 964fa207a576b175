"""Splits, augmentation, and the arrays of the reference implementations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.types import one_hot, to_inputs
from ankleboot.data.augmentation import augment, shift_images
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.load import load_data
from ankleboot.data.splits import draw, split
from ankleboot.recipes.catalog import LEAKY, PLAIN
from ankleboot.recipes.recipe import Recipe

SHA256_OF_THE_DEFAULT_SPLIT = "b475f3faaf1dce0da98f16cb8ec9e568092b385baaca973a71d4363d612fa805"
LABELS = np.random.default_rng(3).integers(0, 10, 60_000).astype(np.uint8)


def test_the_default_split_is_that_of_the_reference() -> None:
    parts = split(LABELS, LEAKY.split_rule)
    assert parts.train.tolist() == list(range(48_000))
    assert parts.validation.tolist() == list(range(48_000, 60_000))
    assert parts.sha256 == SHA256_OF_THE_DEFAULT_SPLIT


@given(
    st.integers(0, 99),
    st.floats(0.05, 0.8),
    st.integers(1, 300),
    st.lists(st.integers(20, 80), min_size=10, max_size=10),
)
@settings(max_examples=40)
def test_stratified_splits_keep_proportions(
    seed: int, fraction: float, size: int, counts: list[int]
) -> None:
    array = np.random.default_rng(seed).permutation(
        np.repeat(np.arange(10, dtype=np.uint8), counts)
    )
    recipe = replace(PLAIN, split="stratified", split_seed=seed, validation_fraction=fraction)
    whole = split(array, recipe.split_rule)
    together = np.concatenate([whole.train, whole.validation])
    assert sorted(together.tolist()) == list(range(len(array)))
    assert len(whole.validation) == round(len(array) * fraction)
    for label in range(10):
        share = (array[whole.validation] == label).sum() - fraction * (array == label).sum()
        assert abs(share) <= 1.5
    if size <= len(whole.train):
        smaller = split(array, replace(recipe, train_size=size).split_rule)
        assert len(smaller.train) == size and set(smaller.train) <= set(whole.train)
        assert (smaller.validation == whole.validation).all()
        assert smaller.sha256 != whole.sha256 or size == len(whole.train)


def test_seeds_give_other_splits_and_equal_seeds_equal_ones() -> None:
    recipe = replace(PLAIN, split="stratified")
    first, again = split(LABELS, recipe.split_rule), split(LABELS, recipe.split_rule)
    assert first.sha256 == again.sha256
    assert split(LABELS, replace(recipe, split_seed=1).split_rule).sha256 != first.sha256


def test_too_little_data_is_refused() -> None:
    with pytest.raises(DataError, match="leaves 48000 training images"):
        split(LABELS, replace(PLAIN, train_size=48_001).split_rule)
    with pytest.raises(DataError, match="too few"):
        split(LABELS[:1], PLAIN.split_rule)


def test_a_draw_gives_each_class_its_share() -> None:
    labels = np.repeat(np.arange(3), (50, 30, 20))
    drawn = draw(np.arange(100), labels, 10, np.random.default_rng(0))
    assert np.bincount(labels[drawn]).tolist() == [5, 3, 2]


def test_arrays_equal_those_of_the_references() -> None:
    sample = load_data("sample").train
    inputs, targets = to_inputs(sample.images), one_hot(sample.labels)
    assert inputs.shape == (2_000, 28, 28, 1) and inputs.dtype == np.float32
    assert inputs.min() == 0 and inputs.max() == 1
    assert targets.shape == (2_000, 10)
    assert (targets.argmax(axis=1) == sample.labels).all() and (targets.sum(axis=1) == 1).all()


@pytest.mark.usefixtures("no_type_checks")
def test_images_and_labels_of_different_length_are_refused() -> None:
    with pytest.raises(DataError, match="3 images but 2 labels"):
        LabeledImages(np.zeros((3, 28, 28), np.uint8), np.zeros(2, np.uint8))


IMAGES = load_data("sample").train.images[:300]


def augmented(seed: int = 0, **changes: object) -> np.ndarray:
    recipe: Recipe = replace(PLAIN, **changes)  # type: ignore[arg-type]
    return augment(IMAGES, recipe, np.random.default_rng(seed))


def test_no_augmentation_is_no_work() -> None:
    assert augmented() is IMAGES


def test_flip_mirrors_about_half_of_the_images() -> None:
    flipped = augmented(flip=True)
    same = (flipped == IMAGES).all(axis=(1, 2))
    mirrored = (flipped == IMAGES[:, :, ::-1]).all(axis=(1, 2))
    assert (same | mirrored).all()
    assert 100 < mirrored.sum() < 200


def test_shift_moves_by_whole_pixels_and_fills_with_black() -> None:
    seen = set()
    for before, after in zip(IMAGES, augmented(max_shift=2), strict=True):
        padded = np.pad(before, 2)
        places = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if (padded[down : down + 28, right : right + 28] == after).all()
        ]
        assert places
        seen.update(places)
    assert len(seen) == 25


def test_a_rotation_by_a_right_angle_is_exact() -> None:
    class Always90(np.random.Generator):
        def uniform(self, low, high, size):  # type: ignore[no-untyped-def,override]
            return np.full(size, high)  # the largest angle, the largest zoom

    turned = augment(IMAGES, replace(PLAIN, rotation=90.0), Always90(np.random.PCG64()))
    expected = np.rot90(IMAGES, axes=(1, 2))
    assert np.abs(turned.astype(int) - expected).max() <= 1


def test_zoom_changes_the_size_of_what_is_seen() -> None:
    square = np.zeros((200, 28, 28), np.uint8)
    square[:, 9:19, 9:19] = 255
    recipe = replace(PLAIN, scale_jitter=0.3)
    areas = augment(square, recipe, np.random.default_rng(0)).sum(axis=(1, 2)) / 25_500
    assert areas.min() == pytest.approx(0.7**2, abs=0.08)
    assert areas.max() == pytest.approx(1.3**2, abs=0.08)


def test_erasing_overwrites_a_rectangle_in_some_images() -> None:
    erased = augmented(random_erasing=0.5) != IMAGES
    touched = erased.any(axis=(1, 2))
    assert 100 < touched.sum() < 200
    for mask in erased[touched]:
        rows, columns = np.where(mask.any(axis=1))[0], np.where(mask.any(axis=0))[0]
        box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert box.mean() > 0.8  # noise may hit the old value here and there
        assert box.size <= 0.45 * 784


def test_one_generator_state_gives_one_result() -> None:
    every = {
        "flip": True,
        "max_shift": 3,
        "rotation": 20.0,
        "scale_jitter": 0.2,
        "random_erasing": 0.5,
    }
    assert (augmented(5, **every) == augmented(5, **every)).all()
    assert not (augmented(5, **every) == augmented(6, **every)).all()


@pytest.mark.parametrize(
    "changes", [{"flip": True}, {"max_shift": 5}, {"rotation": 30.0, "scale_jitter": 0.2}]
)
def test_augmentation_treats_all_colors_alike_in_any_size(changes: dict[str, object]) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (20, 40, 40), dtype=np.uint8)
    recipe: Recipe = replace(PLAIN, image_size=40, crop="none", **changes)  # type: ignore[arg-type]
    colored = augment(np.stack([grey] * 3, axis=-1), recipe, np.random.default_rng(1))
    alone = augment(grey, recipe, np.random.default_rng(1))
    assert (colored == alone[..., None]).all() and (alone != grey).any()


def test_erasing_covers_all_colors_of_a_pixel() -> None:
    images = np.zeros((200, 40, 40, 3), np.uint8)
    recipe = replace(PLAIN, image_size=40, color=True, crop="none", random_erasing=1.0)
    erased: np.ndarray = augment(images, recipe, np.random.default_rng(0)).max(axis=-1) > 0
    share = erased.mean(axis=(1, 2))
    assert (share > 0.01).all() and share.mean() == pytest.approx(0.17, abs=0.04)
    for one in erased[:20]:  # a rectangle (noise is 0 in three colors once in 2^24)
        rows, columns = np.flatnonzero(one.any(axis=1)), np.flatnonzero(one.any(axis=0))
        assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 255, None]),
    st.integers(0, 6),
    st.booleans(),
)
@settings(max_examples=60)
def test_shifted_images_have_every_pixel_at_its_new_place(
    seed: int, border: int | None, limit: int, has_colors: bool
) -> None:
    """The oracle pads and slices one image at a time."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (3, 9, 7, 3) if has_colors else (3, 9, 7), dtype=np.uint8)
    down, right = rng.integers(-limit, limit + 1, (2, 3))
    shifted = shift_images(images, down, right, border=border)
    for image, moved, d, r in zip(images, shifted, down, right, strict=True):
        around = ((6, 6), (6, 6), (0, 0))[: image.ndim]
        padded = (
            np.pad(image, around, mode="reflect")
            if border is None
            else np.pad(image, around, constant_values=border)
        )
        np.testing.assert_array_equal(moved, padded[6 - d : 15 - d, 6 - r : 13 - r])
    together = shift_images(images, 2, -1)
    np.testing.assert_array_equal(together, shift_images(images, np.full(3, 2), np.full(3, -1)))


def test_a_plugin_augments_after_the_built_in_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_augmentation.py").write_text(
        "def invert(images, labels, rng):\n"
        "    assert list(labels) == ['Bag'] * len(images)\n"
        "    return 255 - images\n"
        "def crop(images, labels, rng):\n"
        "    return images[:, 1:]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    bags = ["Bag"] * len(IMAGES)
    plain = replace(PLAIN, max_shift=2)
    first = augment(IMAGES, plain, np.random.default_rng(3), bags)
    recipe = replace(plain, augmentation="own_augmentation:invert")
    second = augment(IMAGES, recipe, np.random.default_rng(3), bags)
    np.testing.assert_array_equal(second, 255 - first)
    with pytest.raises(UsageError, match="expected a uint8 array of shape"):
        augment(
            IMAGES,
            replace(plain, augmentation="own_augmentation:crop"),
            np.random.default_rng(3),
            bags,
        )


def disc(color: bool) -> np.ndarray:
    """A bright disc on gray, 64 x 64 pixels."""
    down, across = np.mgrid[:64, :64] - 31.5
    image = np.where(down**2 + across**2 < 12**2, 220, 90).astype(np.uint8)
    return np.repeat(image[..., None], 3, axis=2) if color else image


def test_stretching_changes_the_aspect() -> None:
    recipe = Recipe(name="a", crop="none", image_size=64, color=True, aspect_jitter=0.5)
    images = np.stack([disc(color=True)] * 40)
    ratios = []
    for image in augment(images, recipe, np.random.default_rng(0)):
        rows, columns = np.nonzero(image[..., 0] > 160)
        ratios.append(np.ptp(columns) / np.ptp(rows))
    assert min(ratios) < 0.75 and max(ratios) > 1.35


@pytest.mark.parametrize("color", [True, False])
def test_color_jitter_changes_light_and_color_but_no_shape(color: bool) -> None:
    recipe = Recipe(name="a", crop="none", image_size=64, color=color, color_jitter=0.3)
    images = np.stack([disc(color)] * 40)
    changed = augment(images, recipe, np.random.default_rng(0)).astype(float)
    means = changed.reshape(40, -1).mean(axis=1)
    assert means.min() < 0.85 * images.mean() and means.max() > 1.15 * images.mean()
    for image in changed:
        gray = image.mean(axis=2) if color else image
        assert np.corrcoef(gray.ravel(), disc(color=False).ravel())[0, 1] > 0.98
    if color:
        assert np.ptp(changed.mean(axis=(1, 2)), axis=1).max() > 10  # channels drift apart
