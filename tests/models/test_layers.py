"""Shared layers against NumPy and SciPy."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from ankleboot.core.classes import PIXEL_MEAN, PIXEL_STD
from ankleboot.models import architectures
from ankleboot.models.layers import dct_patterns
from ankleboot.recipes.catalog import PLAIN

INPUTS = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)


def test_l2_is_the_factor_times_the_sum_of_squares() -> None:
    """Keras' L2 is the factor times the sum of squares, without a half."""
    model = architectures.build_model(replace(PLAIN, l2=0.01))
    kernels = [w for w in model.get_weights() if w.ndim > 1]
    expected = 0.01 * sum(float(np.square(kernel).sum()) for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("input_scaling", "expected"),
    [
        ("none", INPUTS * 255),
        ("unit", INPUTS),
        ("standard", (INPUTS - PIXEL_MEAN) / PIXEL_STD),
    ],
)
def test_input_scaling_reaches_the_network(input_scaling: str, expected: np.ndarray) -> None:
    model = architectures.build_model(replace(PLAIN, input_scaling=input_scaling))
    seen = keras.Model(model.input, model.get_layer("block1_conv1").input)(INPUTS)
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-5)


def test_the_pixel_statistics_are_those_of_the_images() -> None:
    from ankleboot.data.load import load_data

    pixels = load_data("sample").train.images / 255
    assert pixels.mean() == pytest.approx(PIXEL_MEAN, abs=0.01)
    assert pixels.std() == pytest.approx(PIXEL_STD, abs=0.01)


def test_the_cosine_patterns_are_the_discrete_cosine_transform() -> None:
    """The oracle is SciPy's transform, scaled by frequency."""
    from scipy.fft import dctn

    patch = np.random.default_rng(1).normal(size=(4, 4))
    expected = dctn(patch, norm="ortho") * (1 + np.add.outer(np.arange(4), np.arange(4))) / 4
    answers = np.einsum("hw,hwcn->n", patch, dct_patterns(16))
    np.testing.assert_allclose(sorted(answers), sorted(expected.ravel()), atol=1e-5)
    assert dct_patterns(5).shape == (3, 3, 1, 5)
    assert np.ptp(dct_patterns(5)[..., 0]) < 1e-6  # the smoothest comes first


def test_cosine_patterns_in_color_mix_the_gray_patterns() -> None:
    grey, color = dct_patterns(16), dct_patterns(16, color=True)
    assert grey.shape == (4, 4, 1, 16) and color.shape == (4, 4, 3, 16)
    # what is grey is seen as in grey
    np.testing.assert_allclose(color[..., 0].sum(axis=2), grey[:, :, 0, 0], atol=1e-6)
    opposed = np.abs(color.sum(axis=2)).max(axis=(0, 1)) < 1e-6
    assert 0 < opposed.sum() < 16
