"""Weight of Pullover in the model "photo": how it is fitted, and what it changes."""

from pathlib import Path

import keras
import numpy as np
import pytest

from ankleboot.core.types import Probs
from ankleboot.models.files.calibration import Calibration
from photo_data import LABELS, SourcePhoto
from photo_decisions import (
    JudgedImage,
    OutOfFoldPhoto,
    PhotoCalibration,
    calibrate_folds,
    fit_weight,
    label_weights,
    weigh,
)
from photo_networks import IMAGE_SPEC, WHOLE_RECIPE, join_networks

COAT, PULLOVER, HAT = (LABELS.index(label) for label in ("Coat", "Pullover", "hat"))


def probs_of(**shares: float) -> Probs:
    rest = (1 - sum(shares.values())) / (len(LABELS) - len(shares))
    return np.array([shares.get(label, rest) for label in LABELS], np.float32)


def photo_of(kind: str, label: str, *, fold: int = 1, **shares: float) -> OutOfFoldPhoto:
    path = Path("a.jpg")
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    judged = JudgedImage(path, fold, image, None, probs_of(**shares), [1.0] * 10, 0.5)
    return OutOfFoldPhoto(SourcePhoto(path, kind, label, "1", False, False), judged)


def test_a_weight_multiplies_one_probability() -> None:
    probs = np.stack([probs_of(Coat=0.4, Pullover=0.3), probs_of(hat=0.9)])
    weighted = weigh(probs, 2.0)
    assert weighted.sum(axis=1) == pytest.approx([1, 1])
    ratios = weighted / probs
    assert ratios[0, PULLOVER] / ratios[0, COAT] == pytest.approx(2)
    assert ratios[1, HAT] == pytest.approx(1 / (1 + probs[1, PULLOVER]))


def test_the_weight_is_the_least_with_which_most_photos_are_right() -> None:
    hoodies = [photo_of("hoodie", "Pullover", Coat=0.38, Pullover=0.3)] * 3
    coats = [photo_of("outwear", "Coat", Coat=0.6, Pullover=0.25)] * 9
    assert fit_weight(hoodies + coats) == 1.3
    assert fit_weight(coats) == 1.0
    declined = [photo_of("hat", "hat", hat=0.38, Pullover=0.3)] * 4
    assert fit_weight(hoodies + declined) == 1.0


def test_a_fold_is_decided_by_the_weight_of_the_others() -> None:
    hoodies = [photo_of("hoodie", "Pullover", fold=2, Coat=0.38, Pullover=0.3)] * 40
    coats = [photo_of("outwear", "Coat", fold=1, Coat=0.6, Pullover=0.25)] * 40
    assert calibrate_folds(hoodies + coats, without=1).weight == 1.3
    assert calibrate_folds(hoodies + coats, without=2).weight == 1.0


@pytest.mark.parametrize(("weight", "label"), [(1.0, "Coat"), (2.0, "Pullover")])
def test_an_image_is_compared_with_those_of_the_weighted_label(weight: float, label: str) -> None:
    judged = photo_of("hoodie", "Pullover", Coat=0.4, Pullover=0.3).judged
    judged.similarities[PULLOVER] = 0.2
    fitted = PhotoCalibration(
        weight, Calibration(1.0, 0.0, 0.95, 1.0, 1.0, 10, (0.0, 0.0), (0.0, 0.0))
    )
    prediction = judged.decide(fitted)
    assert prediction.label == label
    assert prediction.similarity == judged.similarity(weight) == {"Coat": 1.0}.get(label, 0.2)
    assert (prediction.cause == "unfamiliar") == (label == "Pullover")


def test_the_joint_network_weighs_the_mean() -> None:
    def network(side: int) -> keras.Model:
        inputs = keras.Input((side, side, 3))
        logits = keras.layers.Dense(len(LABELS))(keras.layers.GlobalAveragePooling2D()(inputs))
        return keras.Model(inputs, keras.layers.Softmax()(logits))

    pair = network(IMAGE_SPEC.image_size), network(WHOLE_RECIPE.image_size)
    images = np.random.default_rng(0).random((3, *IMAGE_SPEC.input_shape), np.float32)
    mean = join_networks(*pair).predict(images, verbose=0)
    weighted = join_networks(*pair, label_weights(1.7)).predict(images, verbose=0)
    assert weighted == pytest.approx(weigh(mean, 1.7), abs=1e-6)
    assert abs(weighted - mean).max() > 0.01
