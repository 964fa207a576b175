"""Conventions: pixels to inputs, outputs to probabilities."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.models.foreign.candidates import Signature, candidates
from ankleboot.models.foreign.convention import Convention, resize_bilinear
from ankleboot.models.foreign.scalings import Pixels, parse_input, scaling, trial_note

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
PIXELS = replace(Pixels.of(IMAGES), mean=(72.93,), std=(90.0,))
GRAY = Signature((28, 28, 1), 10)


def first(signature: Signature, choice: str = "unit", size: int = 28) -> Convention:
    found = candidates(signature, size, choice, PIXELS)[0]
    return replace(found, order=tuple(range(signature.num_outputs)))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((28, 28, 1), (5, 28, 28, 1)),
        ((28, 28), (5, 28, 28)),
        ((784,), (5, 784)),
        ((1, 28, 28), (5, 1, 28, 28)),
        ((32, 32, 3), (5, 32, 32, 3)),
        ((3, 64, 64), (5, 3, 64, 64)),
    ],
)
def test_every_layout_gets_its_shape(
    images: np.ndarray, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    inputs = first(Signature(shape, 10)).inputs(images)
    assert inputs.shape == expected
    assert inputs.dtype == np.float32 and 0 <= inputs.min() < inputs.max() <= 1


@pytest.mark.parametrize("shape", [(28, 27, 1), (28, 28, 2), (0, 0, 1), (10, 28, 28, 1), (5,), ()])
def test_an_input_that_is_no_square_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="expected one square image of fixed size"):
        _ = Signature(shape, 10).axes


def _of_images(statistic: Callable[..., Any], values: np.ndarray) -> np.ndarray:
    return np.asarray(statistic(values, axis=(1, 2, 3), keepdims=True))


def test_scalings_are_what_their_names_say(images: np.ndarray) -> None:
    pixels = images[..., None].astype(np.float64)
    unit, mean = pixels / 255, IMAGES.mean(axis=0)[..., None]
    std = IMAGES.std(axis=0)[..., None]
    for choice, expected in (
        ("unit", pixels / 255),
        ("byte", pixels),
        ("signed", pixels / 127.5 - 1),
        ("standard", (pixels - 72.93) / 90),
        ("half", unit - 0.5),
        ("minus128", pixels - 128),
        ("centered", (pixels - 72.93) / 255),
        ("mnist", (unit - 0.1307) / 0.3081),
        ("binary", pixels > 127),
        ("standard-pixels", (pixels - mean) / std),
        ("centered-pixels", (pixels - mean) / 255),
        ("standard-image", (unit - _of_images(np.mean, unit)) / _of_images(np.std, unit)),
        ("unit-rows", unit / np.linalg.norm(unit, axis=2, keepdims=True)),
        ("unit-columns", unit / np.linalg.norm(unit, axis=1, keepdims=True)),
        ("unit-image", unit / np.sqrt(_of_images(np.sum, unit**2))),
        ("0.5,0.5", pixels / 127.5 - 1),
        ("72.93,90", (pixels - 72.93) / 90),
    ):
        np.testing.assert_allclose(first(GRAY, choice).inputs(images), expected, atol=1e-4)


def test_the_rebuilt_layers_prepare_images_as_the_convention_does(images: np.ndarray) -> None:
    keras = pytest.importorskip("keras")
    from ankleboot.models.foreign.rebuild import rebuild

    images[0], images[1, 3], images[2, :, 4] = 0, 0, 0  # nothing to divide by
    theirs = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    for convention in candidates(replace(GRAY, num_outputs=3), 28, "auto", PIXELS):
        named = replace(convention, outputs="logits", order=(2, 0, 1))
        actual = rebuild(theirs, named, (28, 28))(images[..., None].astype(np.float32) / 255)
        inputs = named.inputs(images)
        expected = named.probs(np.asarray(theirs(inputs)))
        np.testing.assert_allclose(actual, expected, atol=2e-3, err_msg=named.scaling)


def test_normalizing_is_that_of_keras(images: np.ndarray) -> None:
    keras = pytest.importorskip("keras")
    images[0], images[1, 3] = 0, 0
    for choice, axis in (("unit-rows", 2), ("unit-columns", 1)):
        expected = keras.utils.normalize(images / 255, axis=axis)
        np.testing.assert_allclose(first(GRAY, choice).inputs(images)[..., 0], expected, atol=1e-5)


def test_colors_have_the_preprocessing_of_keras_applications() -> None:
    keras = pytest.importorskip("keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    color = Signature((32, 32, 3), 10)
    for choice, mode in (("caffe", "caffe"), ("imagenet", "torch"), ("signed", "tf")):
        expected = keras.applications.imagenet_utils.preprocess_input(
            images.astype(np.float32), mode=mode
        )
        inputs = first(color, choice, size=32).inputs(images)
        np.testing.assert_allclose(inputs, expected, atol=1e-3)


def test_resizing_is_that_of_keras() -> None:
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).random((2, 28, 28, 3)).astype(np.float32)
    for size in (14, 32, 96):
        expected = np.asarray(keras.layers.Resizing(size, size)(x))
        np.testing.assert_allclose(resize_bilinear(x, size), expected, atol=1e-5)


def test_outputs_of_every_kind_become_the_same_probabilities() -> None:
    logits = np.random.default_rng(1).normal(0, 2, (7, 10)).astype(np.float32)
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    base = first(GRAY)
    np.testing.assert_allclose(base.probs(probs), probs, atol=1e-6)
    np.testing.assert_allclose(replace(base, outputs="logits").probs(logits), probs, atol=1e-6)
    sigmoid = 1 / (1 + np.exp(-logits))
    shares = replace(base, outputs="sigmoid").probs(sigmoid)
    np.testing.assert_allclose(shares, sigmoid / sigmoid.sum(axis=1, keepdims=True), atol=1e-6)
    one, two = sigmoid[:, :1], replace(base, order=(0, 1))
    expected = np.hstack([1 - one, one])
    np.testing.assert_allclose(replace(two, outputs="binary-sigmoid").probs(one), expected)
    binary = replace(two, outputs="binary-logit").probs(logits[:, :1])
    np.testing.assert_allclose(binary, expected, atol=1e-6)
    swapped = replace(two, outputs="binary-sigmoid", order=(1, 0)).probs(one)
    np.testing.assert_allclose(swapped, expected[:, ::-1])


def test_a_convention_survives_its_document() -> None:
    convention = replace(first(GRAY, "standard"), outputs="logits")
    assert Convention.from_json(convention.to_json(), "x") == convention
    for change in (
        {"layout": "wide"},
        {"order": [0, 0]},
        {"std": [0.0]},
        {"mean": [float("nan")]},
        {"mean": [0.0, 0.0]},
        {"normalization": "log"},
        {"more": 1},
    ):
        with pytest.raises(ModelError, match="x: damaged convention"):
            Convention.from_json(convention.to_json() | change, "x")


def test_candidates_are_those_that_the_input_allows() -> None:
    def names(signature: Signature, size: int = 28) -> list[tuple[str, str]]:
        return [(c.scaling, c.fit) for c in candidates(signature, size, "auto", PIXELS)]

    gray = [
        *("unit", "byte", "signed", "standard", "half", "minus128", "centered", "mnist"),
        *("standard-pixels", "centered-pixels", "standard-image"),
        *("unit-rows", "unit-columns", "unit-image", "binary"),
    ]
    assert names(GRAY) == [(name, "same") for name in gray]
    assert names(Signature((28, 28, 1), 10, is_uint8=True)) == [("byte", "same")]
    assert {fit for _, fit in names(Signature((32, 32, 1), 10))} == {"resize", "pad"}
    assert {name for name, _ in names(Signature((28, 28, 3), 10))} == {
        *(name for name in gray if not name.endswith("-pixels")),
        *("imagenet", "caffe"),
    }


def test_a_scale_that_the_model_cannot_have_is_refused() -> None:
    with pytest.raises(UsageError, match="--input imagenet needs a model of color images"):
        candidates(GRAY, 28, "imagenet", PIXELS)
    with pytest.raises(UsageError, match="--input standard needs data of the same size"):
        candidates(GRAY, 28, "standard", None)
    with pytest.raises(UsageError, match="--input centered-pixels needs data of the same size"):
        candidates(Signature((32, 32, 1), 10), 28, "centered-pixels", PIXELS)
    assert scaling("0.4,0.4,0.4,0.2,0.2,0.2", 28, 1, None) is None


@pytest.mark.parametrize("text", ["bytes", "1", "1,2,3", "0.5,0", "0.5,-1", "nan,1", "1e9,1", ""])
def test_a_wrong_scale_is_refused_with_the_valid_ones(text: str) -> None:
    with pytest.raises(UsageError, match="expected auto, unit, byte, signed, standard"):
        parse_input(text)


def test_statistics_of_pixels_are_those_of_numpy() -> None:
    colors = np.random.default_rng(0).integers(0, 256, (1500, 8, 8, 3), dtype=np.uint8)
    colors[:, 0, 0] = 7
    pixels = Pixels.of(colors)
    np.testing.assert_allclose(pixels.mean, colors.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(pixels.std, colors.std(axis=(0, 1, 2)))
    np.testing.assert_allclose(pixels.mean_image, colors.mean(axis=0).ravel())
    assert pixels.std_image[:3] == (1, 1, 1)  # where nothing varies
    np.testing.assert_allclose(pixels.std_image[3:], colors.std(axis=0).ravel()[3:], rtol=1e-6)
    assert Pixels.of(np.zeros((3, 96, 96, 3), np.uint8)).mean_image == ()


def test_what_a_trial_leaves_open_is_said() -> None:
    found = {"convention": {"scaling": "unit"}, "trials": [], "num_images": 2000, "accuracy": 0.8}
    note = trial_note(found | {"num_tried": 15})
    assert note.startswith("unit is the best of 15 conventions tried, right on 80.0 % of 2,000")
    assert "if you measured clearly more, yours is not among them" in note
    assert trial_note(found | {"num_tried": 1}) == ""
