"""Several garments on a photo, predicted one by one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from ankleboot.core.types import Images, Probs
from ankleboot.data.preprocessing.preprocess import crop_around
from ankleboot.data.preprocessing.segmentation import Box
from ankleboot.inference.decide import Prediction
from ankleboot.inference.predict import predict_files
from ankleboot.inference.router import ModelRouter
from ankleboot.inference.views import ViewsPredictor
from ankleboot.models.files.metadata import ModelMetadata
from helpers.images import garments_apart, scene

LABELS = ("Coat", "Trouser", "Sneaker", "hat")
CROPS = {
    "none": ModelMetadata(
        labels=LABELS, reject_labels=("hat",), crop="none", image_size=64, color=True
    ),
    "cut-out": ModelMetadata(labels=LABELS, crop="cut-out", image_size=64, color=True),
    "garment": ModelMetadata(labels=LABELS),
}


class Recorder:
    """Predictor of one label, surely, that keeps the images it was given."""

    name = "recorder"

    def __init__(self, info: ModelMetadata, label: str = "Coat", confidence: float = 0.97) -> None:
        self.info, self._label, self._confidence = info, label, confidence
        self.calls: list[Images] = []

    def predict(self, images: Images) -> Probs:
        self.calls.append(images)
        probs = np.full((len(images), 4), (1 - self._confidence) / 3, np.float32)
        probs[:, LABELS.index(self._label)] = self._confidence
        return probs


def predicted(recorder: Recorder, pixels: np.ndarray, *, separate: bool = True) -> Prediction:
    [prediction] = predict_files(ModelRouter(recorder), [pixels], separate=separate)
    assert isinstance(prediction, Prediction)
    return prediction


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("indices", [(0, 1), (0, 1, 4)])
def test_each_garment_is_predicted_by_itself(crop: str, indices: tuple[int, ...]) -> None:
    pixels, _ = garments_apart(indices)
    recorder = Recorder(CROPS[crop])
    prediction = predicted(recorder, pixels)
    assert prediction.cause == "several" and prediction.passes == 1 + len(indices)
    assert [garment.label for garment in prediction.garments] == ["Coat"] * len(indices)
    for garment in prediction.garments:
        assert not garment.abstained and garment.reason is None and garment.cause is None
        assert garment.confidence == pytest.approx(0.97)
    whole, separate = recorder.calls
    assert len(whole) == 1 and separate.shape == (
        len(indices),
        *recorder.info.image_spec.image_shape,
    )
    assert len({image.tobytes() for image in (*separate, *whole)}) == 1 + len(indices)
    assert predicted(Recorder(CROPS[crop]), pixels) == prediction


@pytest.mark.parametrize("crop", CROPS)
def test_a_garment_looks_as_if_it_were_alone(crop: str) -> None:
    pixels, _ = garments_apart((0, 1))
    recorder, alone = Recorder(CROPS[crop]), Recorder(CROPS[crop])
    predicted(recorder, pixels)
    for image, index in zip(recorder.calls[1], (0, 1), strict=True):
        predicted(alone, scene(index, size=(260, 260))[0])
        [[wanted]] = alone.calls[-1:]
        difference = np.abs(image.astype(int) - wanted.astype(int)).mean()
        assert difference < (40 if crop == "none" else 20)


def test_one_garment_or_a_pair_of_shoes_has_no_boxes() -> None:
    one, _ = scene(0)
    several, _ = garments_apart((0, 1))
    for pixels, label in ((one, "Coat"), (several, "Sneaker"), (several, "hat")):
        recorder = Recorder(CROPS["none"], label)
        prediction = predicted(recorder, pixels)
        assert prediction.cause == ("declined" if label == "hat" else None)
        assert prediction.garments == () and prediction.passes == 1
        assert len(recorder.calls) == 1 and prediction.to_json()["garments"] == []


def test_a_garment_of_which_the_model_is_unsure_has_the_reason() -> None:
    pixels, _ = garments_apart((0, 1))
    info = ModelMetadata(labels=LABELS, abstain_below=0.99)
    for garment in predicted(Recorder(info), pixels).garments:
        assert (garment.abstained, garment.cause) == (True, "unsure")
        assert garment.reason == "not sure of Coat"
    router = ModelRouter(Recorder(info))
    [prediction] = predict_files(router, [pixels], abstain_below=0.5)
    assert isinstance(prediction, Prediction)
    assert not any(garment.abstained for garment in prediction.garments)


def test_the_garments_are_left_out_where_no_result_shows_them() -> None:
    pixels, _ = garments_apart((0, 1))
    recorder = Recorder(CROPS["none"])
    prediction = predicted(recorder, pixels, separate=False)
    assert (prediction.cause, prediction.garments, prediction.passes) == ("several", (), 1)
    assert len(recorder.calls) == 1


def test_the_views_of_each_garment_are_counted() -> None:
    pixels, _ = garments_apart((0, 1))
    router = ModelRouter(ViewsPredictor(Recorder(CROPS["none"]), "flip", 1.0))
    [prediction] = predict_files(router, [pixels])
    assert isinstance(prediction, Prediction)
    assert prediction.passes == 6 and len(prediction.garments) == 2


def test_boxes_are_the_same_for_a_reduced_photo(tmp_path: Path) -> None:
    pixels, _ = garments_apart((0, 1))
    path = tmp_path / "large.png"
    Picture.fromarray(pixels).resize((1560, 780)).save(path)
    small, large = (
        list(predict_files(ModelRouter(Recorder(CROPS["none"])), [item]))[0]
        for item in (pixels, path)
    )
    assert isinstance(small, Prediction) and isinstance(large, Prediction)
    for one, other in zip(small.garments, large.garments, strict=True):
        for side in ("left", "top", "width", "height"):
            assert getattr(one.box, side) == pytest.approx(getattr(other.box, side), abs=0.05)


def test_a_box_in_json_is_an_object() -> None:
    pixels, _ = garments_apart((0, 1))
    prediction = predicted(Recorder(CROPS["none"]), pixels)
    entry = prediction.to_json()["garments"][0]
    assert set(entry) == {"box", "label", "confidence", "abstained", "reason", "cause"}
    assert entry["box"] == vars(prediction.garments[0].box)


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        (Box(0.25, 0.25, 0.5, 0.5), (124, 74)),  # a margin of 12 pixels
        (Box(0.0, 0.0, 1.0, 1.0), (200, 100)),
        (Box(0.0, 0.5, 0.5, 0.5), (112, 62)),
        (Box(0.99, 0.99, 0.01, 0.01), (2, 1)),
    ],
)
def test_a_crop_has_a_margin_and_stays_on_the_photo(box: Box, shape: tuple[int, int]) -> None:
    pixels = np.zeros((200, 100, 3), np.uint8)
    assert crop_around(pixels, box).shape[:2] == shape
