"""The whole of Fashion-MNIST in the order of another file, as Kaggle's table has it."""

from pathlib import Path

import numpy as np
import pytest

from ankleboot.data.load import load_data


@pytest.mark.slow
def test_shuffled_images_become_the_data_set_bit_by_bit(tmp_path: Path) -> None:
    data, rng = load_data("fashion-mnist"), np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for split, part in (("train", data.train), ("test", data.test)):
        order = rng.permutation(len(part))
        arrays |= {f"x_{split}": part.images[order], f"y_{split}": part.labels[order]}
    np.savez(tmp_path / "shuffled.npz", allow_pickle=False, **arrays)
    other = load_data(tmp_path / "shuffled.npz")
    assert other.name == "fashion-mnist" and other.sha256 == data.sha256
    for a, b in ((other.train, data.train), (other.test, data.test)):
        np.testing.assert_array_equal(a.images, b.images)
        np.testing.assert_array_equal(a.labels, b.labels)
