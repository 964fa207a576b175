"""Reasons to abstain, in their order of precedence."""

from dataclasses import replace

import numpy as np
import pytest

from ankleboot.data.preprocessing.segmentation import Segmentation
from ankleboot.inference.decide import Prediction, decide
from ankleboot.inference.predict import predict
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.files.ood_check import OodCheck

IMAGE = np.arange(28 * 28, dtype=np.uint32).reshape(28, 28).astype(np.uint8)
BLANK = np.full((28, 28), 9, np.uint8)
GARMENTS = ModelMetadata(labels=("Dress", "Sandal", "hat"), reject_labels=("hat",))
WHOLE_IMAGES = ModelMetadata(labels=("cat", "dog"), crop="none", image_size=32)


def segmentation(num_objects: int, area_fraction: float) -> Segmentation:
    return Segmentation(np.zeros((96, 96), np.uint8), num_objects, area_fraction)


def decision(
    probs: list[float],
    image: np.ndarray = IMAGE,
    garment: Segmentation | None = None,
    info: ModelMetadata = GARMENTS,
    abstain_below: float = 0.6,
    *,
    is_blank: bool = False,
) -> Prediction:
    row = np.array(probs, np.float32)
    return decide(
        image, garment, row, info, is_blank=is_blank, abstain_below=abstain_below, path="a.png"
    )


def test_a_confident_prediction_has_no_reason_to_abstain() -> None:
    prediction = decision([0.75, 0.125, 0.125])
    assert prediction == Prediction(
        path="a.png",
        label="Dress",
        index=0,
        confidence=0.75,
        probs={"Dress": 0.75, "Sandal": 0.125},
        none_of_these=0.125,
        abstained=False,
        reason=None,
        cause=None,
    )


@pytest.mark.parametrize(
    ("probs", "cause", "reason"),
    [
        ([0.5, 0.4, 0.1], "unsure", "unsure between Dress and Sandal"),
        ([0.5, 0.05, 0.45], "unsure", "not sure of Dress"),
        ([0.3, 0.34, 0.36], "declined", "not one of the 2 kinds of garment (most like hat)"),
        ([0.2, 0.2, 0.6], "declined", "not one of the 2 kinds of garment (most like hat)"),
    ],
)
def test_probabilities_are_a_reason_to_abstain(probs: list[float], cause: str, reason: str) -> None:
    prediction = decision(probs)
    assert prediction.abstained and (prediction.cause, prediction.reason) == (cause, reason)


def test_the_image_is_a_reason_to_abstain_before_the_probabilities() -> None:
    unsure = [0.3, 0.2, 0.5]
    missing, several = segmentation(0, 0.0), segmentation(2, 0.3)
    assert decision(unsure, BLANK, missing).cause == "missing"
    assert decision(unsure, BLANK).cause == "blank"
    assert decision(unsure, IMAGE, several).cause == "declined"
    assert decision([0.9, 0.1, 0.0], IMAGE, several).cause == "several"
    assert decision([0.1, 0.9, 0.0], IMAGE, several).cause is None  # shoes come in pairs


def test_a_photo_of_one_color_is_blank_whatever_the_model_takes() -> None:
    assert decision([0.9, 0.1, 0.0], is_blank=True).cause == "blank"
    (prediction,) = predict([np.full((90, 60, 3), 200, np.uint8)], "photo")
    assert isinstance(prediction, Prediction)
    assert prediction.reason == "the image is of one color"  # it was "most like skirt"


def test_a_model_of_whole_images_needs_no_garment() -> None:
    for garment in (segmentation(0, 0.0), segmentation(3, 0.3)):
        prediction = decision([0.9, 0.1], IMAGE, garment, WHOLE_IMAGES)
        assert prediction.cause is None and prediction.none_of_these == 0


def test_the_threshold_of_the_model_is_the_default() -> None:
    info = ModelMetadata(labels=("cat", "dog"), abstain_below=0.8)
    row = np.array([0.75, 0.25], np.float32)
    assert decide(IMAGE, None, row, info).cause == "unsure"
    assert decide(IMAGE, None, row, info, abstain_below=0.75).cause is None


LABELS = ("Dress", "Shirt", "Pullover", "hat", "skirt")
INFO = ModelMetadata(labels=LABELS, reject_labels=("hat", "skirt"), crop="none", abstain_below=0.6)


def said(
    *shares: float, garment: Segmentation | None = None, info: ModelMetadata = INFO
) -> Prediction:
    return decide(IMAGE, garment, np.array(shares, np.float32), info)


def test_answers_are_put_into_words() -> None:
    sure = said(0.7, 0.2, 0.05, 0.03, 0.02)
    assert (sure.label, sure.index, sure.abstained, sure.reason) == ("Dress", 0, False, None)
    assert list(sure.probs) == ["Dress", "Shirt", "Pullover"]
    assert sure.none_of_these == pytest.approx(0.05)
    between = said(0.02, 0.5, 0.44, 0.02, 0.02)
    assert between.reason == "unsure between Shirt and Pullover" and between.label == "Shirt"
    foreign = said(0.2, 0.1, 0.1, 0.2, 0.4)
    assert foreign.reason == "not one of the 3 kinds of garment (most like skirt)"
    assert foreign.label == "Dress"
    nothing, two = segmentation(0, 0.0), segmentation(2, 0.3)
    lost = said(0.9, 0.1, 0, 0, 0, garment=nothing)
    assert lost.abstained and lost.reason == "no garment found on the photo"
    assert said(0.9, 0.1, 0, 0, 0, garment=two).reason == "more than one garment on the photo"
    shoes = ModelMetadata(labels=("Sneaker", "Coat"))
    assert said(0.9, 0.1, garment=two, info=shoes).reason is None  # a pair
    own = ModelMetadata(labels=("cat", "dog"), crop="none")  # a model of other things
    assert said(0.9, 0.1, garment=nothing, info=own).reason is None


def test_an_image_unlike_the_training_images_is_told_before_doubt() -> None:
    """A cat was "T-shirt/top, 90 %": the probabilities of a classifier always add up to one."""
    check = OodCheck.of(dict.fromkeys(GARMENTS.labels, np.eye(4, dtype=np.float32)), 0.5, 100)
    info = replace(GARMENTS, ood_check=check.to_json())

    def said(probs: list[float], similarity: float, num_objects: int = 1) -> Prediction:
        asked: list[int] = []

        def similarity_of(index: int) -> float:
            asked.append(index)
            return similarity

        row = np.array(probs, np.float32)
        garment = segmentation(num_objects, 0.3)
        prediction = decide(IMAGE, garment, row, info, similarity_of=similarity_of)
        assert asked == ([] if prediction.similarity is None else [prediction.index])
        return prediction

    cat = said([0.9, 0.05, 0.05], 0.4)
    assert (cat.cause, cat.similarity, cat.abstained) == ("unfamiliar", 0.4, True)
    assert cat.reason == "unlike the images that the model learned (most like Dress)"
    assert said([0.9, 0.05, 0.05], 0.6).cause is None
    assert said([0.4, 0.35, 0.25], 0.4).cause == "unfamiliar"
    assert said([0.3, 0.3, 0.4], 0.4).cause == "declined"  # cheaper, and says more
    assert said([0.9, 0.05, 0.05], 0.4, num_objects=2).cause == "several"
