"""A network of Fashion-MNIST that gets photos is named, and no other model."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ankleboot.cli.main import run as ankleboot
from ankleboot.data.load import load_data
from ankleboot.inference.load import load_predictor
from ankleboot.inference.photo_check import is_catalogue_model
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from helpers.images import scene

NOTE = "photos for a network that has learned images of a catalogue alone (Fashion-MNIST): 2; "


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b"):
        Image.fromarray(scene(3)[0]).save(folder / f"{name}.png")
    Image.fromarray(load_data("sample").test.images[0]).save(folder / "c.png")
    return folder


def test_a_named_network_of_fashion_mnist_gets_one_note_about_photos(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(catalog.FOLDER / catalog.MODEL_FILE)
    assert ankleboot(["predict", str(photos), "--json", "--model", model]) == 0
    captured = capsys.readouterr()
    assert captured.err.count(NOTE) == 1 and captured.err.count("\n") == 1
    assert "catalogue" not in captured.out


@pytest.mark.parametrize("arguments", [[], ["--model", "zero-shot"], ["--model", "photo"]])
def test_models_for_photos_get_no_note(
    photos: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert ankleboot(["predict", str(photos), *arguments]) == 0
    assert "catalogue" not in capsys.readouterr().err


def test_a_network_of_fashion_mnist_is_told_by_its_metadata() -> None:
    assert is_catalogue_model(load_predictor("pretrained").info)
    info = ModelMetadata(data="sample", recipe="sprint")
    assert is_catalogue_model(info)
    others = [
        {"data": "photos/"},
        {"crop": "none"},
        {"reject_labels": ("Bag",)},
        {"adopted": "mine.keras"},
        {"recipe": "simulated"},
    ]
    for change in others:
        assert not is_catalogue_model(replace(info, **change))  # type: ignore[arg-type]
