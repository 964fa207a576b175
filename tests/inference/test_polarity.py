"""Images of the data set's form on a light background are named, and no others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ankleboot.cli.main import run as ankleboot
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.inference.polarity import PolarityCheck
from ankleboot.inference.predict import PreparedImage
from ankleboot.models.files.metadata import ModelMetadata
from helpers.predictors import FakePredictor


def checked(images: np.ndarray, crop: str = "garment") -> PolarityCheck:
    probs, info = np.full((1, 10), 0.1, np.float32), replace(ModelMetadata(), crop=crop)
    check, predictor = PolarityCheck(), FakePredictor(probs, info)
    for image in images:
        decoded = DecodedImage(np.repeat(image[..., None], 3, axis=2))
        check.add(PreparedImage(decoded, None, decoded.garment, predictor))
    return check


def test_the_data_set_has_one_polarity_and_its_negative_the_other() -> None:
    images = load_data("sample").test.images
    assert checked(images).note == ""
    assert checked(255 - images).num_light == len(images)
    assert checked(255 - images[:3], crop="none").num_light == 0


def test_inverted_images_are_named_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = load_data("sample").test.images[:3]
    for number, image in enumerate((images[0], 255 - images[1], 255 - images[2])):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    Image.fromarray(255 - images[0]).resize((200, 200)).save(tmp_path / "photo.png")
    assert ankleboot(["predict", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert "28 x 28 gray pixels on a light background: 2; " in captured.err
    assert "light background" not in captured.out
