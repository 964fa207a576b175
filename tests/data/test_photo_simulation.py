"""Simulated photos: the garment fills its frame, and every draw can be repeated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import UsageError
from ankleboot.core.types import Image
from ankleboot.data.augmentation import augment
from ankleboot.data.load import load_data
from ankleboot.data.photo_simulation import simulate_photo
from ankleboot.recipes.catalog import SIMULATED, TRANSFER
from ankleboot.recipes.parse import override


@given(st.integers(0, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
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
