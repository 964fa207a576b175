"""Corrupted and out-of-distribution images."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ankleboot.core import plugins
from ankleboot.data.load import load_data
from ankleboot.evaluation.robustness.corruptions import SEVERITIES, inversion, shift
from ankleboot.evaluation.robustness.measure_robustness import measure_robustness
from ankleboot.evaluation.robustness.out_of_distribution import OUTLIERS, auroc
from helpers.predictors import FakePredictor

IMAGES = load_data("sample").test.images[:60]
CORRUPTIONS = {name: plugins.resolve("corruptions", name) for name in plugins.names("corruptions")}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_higher_severity_changes_the_image_more(name: str) -> None:
    corrupt = CORRUPTIONS[name]
    distances = []
    for severity in SEVERITIES:
        corrupted = corrupt(IMAGES, severity, np.random.default_rng(0))
        assert corrupted.shape == IMAGES.shape and corrupted.dtype == np.uint8
        again = corrupt(IMAGES, severity, np.random.default_rng(0))
        np.testing.assert_array_equal(corrupted, again)
        distances.append(float(np.square(corrupted.astype(float) - IMAGES).mean()))
    assert distances == sorted(distances) and distances[0] > 0


def test_corruptions_do_not_change_their_input() -> None:
    before = IMAGES.copy()
    for corrupt in CORRUPTIONS.values():
        corrupt(IMAGES, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(IMAGES, before)


def test_the_severest_inversion_is_the_negative() -> None:
    negative = inversion(IMAGES, 5, np.random.default_rng(0))
    np.testing.assert_array_equal(negative, 255 - IMAGES)


def test_a_shift_moves_by_whole_pixels() -> None:
    one = np.zeros((1, 28, 28), np.uint8)
    one[0, 14, 14] = 200
    row, column = np.argwhere(shift(one, 3, np.random.default_rng(0))[0])[0]
    assert abs(row - 14) == 3 and abs(column - 14) == 3


def test_a_motion_blur_averages_along_a_line() -> None:
    """A single pixel becomes the line, one weight for each of its steps."""
    one = np.zeros((1, 28, 28), np.uint8)
    one[0, 14, 14] = 240
    angle = np.random.default_rng(0).uniform(0, np.pi, 1)[0]
    expected = np.zeros((28, 28))
    for step in np.linspace(-1.5, 1.5, 16):  # a length of four pixels at severity 2
        x, y = 14 - step * np.cos(angle), 14 - step * np.sin(angle)
        expected[round(y), round(x)] += 240 / 16
    (found,) = CORRUPTIONS["motion blur"](one, 2, np.random.default_rng(0))
    np.testing.assert_allclose(found, expected, atol=0.51)


@pytest.mark.parametrize("name", OUTLIERS)
def test_outliers_are_images(name: str) -> None:
    made = OUTLIERS[name](IMAGES, np.random.default_rng(0))
    assert made.shape == IMAGES.shape and made.dtype == np.uint8
    assert not np.array_equal(made, IMAGES) and made.std() > 5


def test_auroc_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    inside, outside = generator.integers(0, 12, 300) / 12, generator.integers(0, 9, 200) / 12
    truth = np.r_[np.ones(300), np.zeros(200)]
    expected = roc_auc_score(truth, np.r_[inside, outside])
    assert auroc(inside, outside) == pytest.approx(expected, abs=1e-9)
    assert auroc(np.ones(3), np.zeros(2)) == 1 and auroc(np.ones(3), np.ones(2)) == 0.5


def test_photos_are_one_more_kind_of_outlier() -> None:
    part = load_data("sample").test
    probs = np.full((500, 10), 0.05, np.float32)
    probs[:, 4] = np.linspace(0.3, 0.9, 500)
    photos = np.zeros((7, 28, 28), np.uint8)
    found = measure_robustness(FakePredictor(probs), part, num_images=100, photos=photos)
    assert set(found.auroc) == {*OUTLIERS, "photos"} and found.auroc["photos"] > 0.9


def test_a_constant_model_loses_no_accuracy() -> None:
    part = load_data("sample").test
    probs = np.full((1_000, 10), 0.05, np.float32)  # five severities of 200 images at once
    probs[:, 4] = 0.55
    found = measure_robustness(FakePredictor(probs), part, num_images=200)
    assert found.num_examples == 200 and found.clean == found.mean
    assert set(found.accuracy) == set(CORRUPTIONS) and set(found.auroc) == set(OUTLIERS)
    assert all(value == 0.5 for value in found.auroc.values())


@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
def test_corruptions_treat_all_colors_alike_in_any_size(name: str) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (6, 56, 56), dtype=np.uint8)
    colored = np.stack([grey] * 3, axis=-1)
    for severity in (1, 5):
        found = CORRUPTIONS[name](colored, severity, np.random.default_rng(1))
        assert found.shape == colored.shape and found.dtype == np.uint8
        assert (found != colored).any()
        if "noise" not in name:  # noise of each color is its own
            alone = CORRUPTIONS[name](grey, severity, np.random.default_rng(1))
            assert np.abs(found.astype(int) - alone[..., None]).max() <= 1


@pytest.mark.parametrize("name", sorted(OUTLIERS))
def test_outliers_have_the_shape_of_the_images(name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 80, 80, 3), dtype=np.uint8)
    found = OUTLIERS[name](images, np.random.default_rng(1))
    assert found.shape == images.shape and (found != images).any()
    if name == "shuffled pixels":  # colors stay together
        kept = {tuple(pixel) for pixel in images[0].reshape(-1, 3).tolist()}
        assert {tuple(pixel) for pixel in found[0].reshape(-1, 3).tolist()} == kept
