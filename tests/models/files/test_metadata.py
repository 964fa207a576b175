"""Metadata of model files: what they state, in this version and the one before."""

import json

import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.checksums import read_verified_tflite
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.recipes.split_rule import SplitRule

METADATA = ModelMetadata(recipe="x", format="litert", temperature=1.3)

VERSION_1 = {
    "layout": 1,
    "recipe": "photo",
    "data": "photos/",
    "format": "litert-int8",
    "model_sha256": "46" * 32,
    "parameters": 3_429_677,
    "temperature": 0.62,
    "abstain_below": 0.72,
    "split": "stratified",
    "validation_fraction": 0.1,
    "split_seed": 3,
    "labels": ["T-shirt/top", "Trouser", "hat"],
    "version": "0.1.0.dev0",
    "image_size": 224,
    "colour": True,
    "framing": "whole",
    "data_sha256": "72" * 32,
    "declined": ["hat"],
}
"""A document as files of version 1 hold it, such as the shipped models."""


@pytest.mark.parametrize(("folds", "fold"), [(5, 9), (5, 0), (-2, 1), (1, 1)])
def test_a_fold_that_cannot_be_is_damage(folds: int, fold: int) -> None:
    document = METADATA.to_json() | {"folds": folds, "fold": fold}
    with pytest.raises(ModelError, match=f"damaged metadata .fold {fold} of {folds}"):
        ModelMetadata.from_json(document, "x")
    assert ModelMetadata.from_json(document | {"folds": 5, "fold": 5}, "x").fold == 5


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": float("nan")},
        {"temperature": 0.0},
        {"temperature": float("inf")},
        {"abstain_below": float("nan")},
        {"abstain_below": -0.1},
        {"image_size": 10**6},
        {"parameters": -1},
        {"passes": 0},
        {"validation_fraction": 2.0},
        {"split_seed": -1},
        {"folds": 10**9},
        {"labels": ["a", ""]},
        {"labels": ["a", "b" * 5_000]},
        {"recipe": "r" * 10**6},
        {"recipe": None},
        {"format_version": 3},
    ],
    ids=str,
)
def test_every_field_has_a_range(change: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="x: damaged metadata") as caught:
        ModelMetadata.from_json(METADATA.to_json() | change, "x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a": NaN}', '{"a": 1' + "0" * 400 + "}", "[]"])
def test_documents_that_break_a_parser_are_damage(text: str) -> None:
    with pytest.raises(ModelError, match="x: damaged metadata"):
        ModelMetadata.from_text(text, "x")


def test_metadata_survives_json() -> None:
    metadata = ModelMetadata(
        labels=("cat", "dog", "neither"),
        reject_labels=("neither",),
        image_size=64,
        color=True,
        crop="none",
        fit="letterbox",
        temperature=0.7,
        split_seed=5,
    )
    document = metadata.to_json()
    assert document["format_version"] == 2
    assert ModelMetadata.from_json(document, "here") == metadata


def test_a_document_of_version_1_keeps_its_meaning() -> None:
    metadata = ModelMetadata.from_json(VERSION_1, "here")
    assert metadata.reject_labels == ("hat",)
    assert metadata.predicted_labels == ("T-shirt/top", "Trouser")
    spec = metadata.image_spec
    assert (spec.image_size, spec.color, spec.crop) == (224, True, "none")
    assert metadata.split_rule == SplitRule("stratified", 0.1, 3)
    assert metadata.temperature == 0.62 and metadata.parameters == 3_429_677
    assert ModelMetadata.from_json(metadata.to_json(), "here") == metadata


def test_a_document_of_version_1_without_image_fields_means_fashion_mnist() -> None:
    absent = ("image_size", "colour", "framing", "data_sha256", "declined")
    document = {name: value for name, value in VERSION_1.items() if name not in absent}
    metadata = ModelMetadata.from_json(document, "here")
    assert metadata.image_spec.image_shape == (28, 28)
    assert metadata.crop == "garment" and metadata.reject_labels == ()


def test_files_that_are_older_than_the_fit_stretch() -> None:
    document = ModelMetadata(crop="none", image_size=64).to_json()
    assert document.pop("fit") == "stretch"
    metadata = ModelMetadata.from_json(document, "here")
    assert metadata.image_spec.fit == "stretch"


def test_the_crop_garment_keeps_its_name_in_version_1() -> None:
    document = VERSION_1 | {"framing": "garment", "image_size": 28, "colour": False}
    assert ModelMetadata.from_json(document, "here").crop == "garment"


def test_the_shipped_files_state_what_their_models_take() -> None:
    _, photo = read_verified_tflite(catalog.FOLDERS[catalog.PHOTO] / catalog.MODEL_FILE)
    assert (photo.image_size, photo.color, photo.crop) == (224, True, "both")
    assert photo.reject_labels == ("hat", "shorts", "skirt", "bodysuit")
    assert len(photo.ood_check["counts"]) == 14 and 0.7 < photo.ood_check["threshold"] < 0.9
    assert photo.predicted_labels == CLASS_NAMES
    _, default = read_verified_tflite(catalog.FOLDER / catalog.MODEL_FILE)
    assert (default.image_size, default.color, default.crop) == (28, False, "garment")
    assert load_predictor("zero-shot").info.crop == "garment"


@pytest.mark.usefixtures("no_type_checks")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 9}, "format version 9; expected 1 to 2"),
        ({"format_version": None}, "format version None"),
        ({"labels": ["a"]}, "labels"),
        ({"labels": ["a", "a"]}, "labels"),
        ({"labels": None}, ""),
        ({"image_size": 32}, "crop=garment"),
        ({"surprise": 1}, "surprise"),
        ({"colour": True}, "colour"),
        ({"crop": "whole"}, "crop"),
        ({"crop": "none", "fit": "fill"}, "fit"),
        ({"fit": "letterbox"}, "crop=garment"),
        ({"abstain_below": None}, "abstain_below of another type"),
        ({"parameters": "many"}, "parameters of another type"),
        ({"reject_labels": ["x"]}, "reject_labels"),
    ],
)
def test_invalid_metadata_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=f"here: damaged metadata .*{message}"):
        ModelMetadata.from_json(METADATA.to_json() | change, "here")


@pytest.mark.parametrize("text", ["", "[]", "{", "7", '"text"'])
def test_text_without_a_json_object_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="here: damaged metadata"):
        ModelMetadata.from_text(text, "here")


def test_rejected_labels_travel_with_the_model() -> None:
    info = ModelMetadata(labels=("Dress", "Shirt", "hat"), reject_labels=("hat",), crop="none")
    assert ModelMetadata.from_json(json.loads(json.dumps(info.to_json())), "a") == info
    assert "declined" not in ModelMetadata().to_json()
    with pytest.raises(ModelError, match="damaged metadata"):
        ModelMetadata.from_json(info.to_json() | {"reject_labels": ["boat"]}, "a")
