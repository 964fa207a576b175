"""Mixed images and targets against loops over single images."""

from dataclasses import replace

import numpy as np
import pytest

from ankleboot.core.errors import UsageError
from ankleboot.core.types import one_hot
from ankleboot.data.mixing import draw_mixture
from ankleboot.recipes.catalog import SPRINT
from helpers.images import TINY

IMAGES = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 10, 200)


@pytest.mark.parametrize("shape", [(200, 28, 28), (200, 20, 24, 3)])
def test_mixup_averages_images_and_targets_by_the_same_share(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    mixture = draw_mixture(replace(TINY, mixup=0.5), images, np.random.default_rng(2))
    assert mixture is not None
    mixed, targets = mixture.images(images), mixture.targets(one_hot(LABELS))
    assert 0.3 < (mixture.shares < 1).mean() < 0.7
    for i, (partner, share) in enumerate(zip(mixture.partners, mixture.shares, strict=True)):
        pixels = share * images[i] + (1 - share) * images[partner]
        assert np.abs(mixed[i] - pixels).max() <= 0.5 + 1e-4
        expected = np.zeros(10)
        expected[LABELS[i]] += share
        expected[LABELS[partner]] += 1 - share
        np.testing.assert_allclose(targets[i], expected, atol=1e-6)
    assert targets.dtype == np.float32
    assert (targets.argmax(1) == LABELS).all() or (mixture.shares == 0.5).any()


def test_cutmix_pastes_a_rectangle_and_counts_its_pixels() -> None:
    mixture = draw_mixture(replace(TINY, cutmix=1.0), IMAGES, np.random.default_rng(3))
    assert mixture is not None
    mixed = mixture.images(IMAGES)
    for i, partner in enumerate(mixture.partners):
        top, bottom, left, right = mixture.boxes[i]
        inside = np.zeros((28, 28), bool)
        inside[top:bottom, left:right] = True
        np.testing.assert_array_equal(mixed[i][inside], IMAGES[partner][inside])
        np.testing.assert_array_equal(mixed[i][~inside], IMAGES[i][~inside])
        assert mixture.shares[i] == pytest.approx(1 - inside.mean(), abs=1e-6)
    assert mixture.shares.min() >= 0.45  # half, and the rounding of the sides
    assert 0.1 < (1 - mixture.shares).mean() < 0.4


def test_shares_of_both_kinds_and_of_none() -> None:
    rng = np.random.default_rng(4)
    assert draw_mixture(TINY, IMAGES, rng) is None
    mixture = draw_mixture(replace(TINY, mixup=0.3, cutmix=0.3), np.repeat(IMAGES, 20, 0), rng)
    assert mixture is not None
    assert mixture.is_cut.mean() == pytest.approx(0.3, abs=0.03)
    untouched = mixture.shares == 1  # also where a rectangle has no pixel
    assert untouched.mean() == pytest.approx(0.4, abs=0.04)
    same = (mixture.images(np.repeat(IMAGES, 20, 0)) == np.repeat(IMAGES, 20, 0)).all(axis=(1, 2))
    assert same[untouched].all() and same.mean() < 0.5


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(UsageError, match="at most 1 together, got 0.7 and 0.6"):
        replace(TINY, mixup=0.7, cutmix=0.6)
    with pytest.raises(UsageError, match="hard_example_fraction below 1 excludes mixup"):
        replace(SPRINT, cutmix=0.5)
    with pytest.raises(UsageError, match="mix_alpha has no effect"):
        replace(TINY, mix_alpha=0.2)
