"""Preprocessing: its version, one decision per image, and one list of formats."""

import hashlib
import re
from importlib import resources

import numpy as np
import pytest
from PIL import Image as PillowImage

from ankleboot.core.errors import UsageError
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing import preprocess
from ankleboot.data.preprocessing.decode import PILLOW_FORMATS
from ankleboot.data.preprocessing.image_formats import IMAGE_FORMATS, SUFFIXES
from ankleboot.data.preprocessing.preprocess import PREPROCESSING_VERSION, DecodedImage
from ankleboot.data.preprocessing.segmentation import (
    Segmentation,
    segment_garment,
    separate_garments,
)
from ankleboot.recipes.catalog import get_recipe
from ankleboot.recipes.image_spec import ImageSpec

SPECS = (
    *(ImageSpec(), ImageSpec(64, color=True, crop="none"), ImageSpec(28, crop="none")),
    *(ImageSpec(64, True, "none", fit) for fit in ("letterbox", "crop")),
)

SHA256_BY_VERSION = {1: "e84ab57a47491e91f05f059038af63dcb6898904998a9ba79218e827c5dd1daf"}
"""Hash of the preprocessed images below. If the test fails, raise PREPROCESSING_VERSION and add
the new hash: the caches of users then hold other pixels."""


def scenes() -> list[np.ndarray]:
    """A dark garment on white, one on a textured background, noise, and an image of the data."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[:300, :200]
    inside = ((rows - 150) ** 2 / 9_000 + (columns - 90) ** 2 / 3_000 < 1)[..., None]
    color = np.array([30, 60, 90])
    plain = np.where(inside, color + 40 * np.sin(rows / 9)[..., None], 240)
    floor = 120 + 60 * np.sin(columns / 6)[..., None] + rng.normal(0, 9, (300, 200, 3))
    noise = rng.integers(0, 256, (80, 120, 3))
    image = np.repeat(load_data("sample").train.images[0][..., None], 3, axis=2)
    return [
        np.clip(pixels, 0, 255).astype(np.uint8)
        for pixels in (plain, np.where(inside, plain, floor), noise, image)
    ]


def test_another_output_needs_another_version() -> None:
    digest = hashlib.sha256()
    for pixels in scenes():
        for spec in SPECS:
            digest.update(DecodedImage(pixels).preprocess(spec).tobytes())
    assert digest.hexdigest() == SHA256_BY_VERSION[PREPROCESSING_VERSION]


def test_the_scenes_take_every_path() -> None:
    plain, photo, noise, same = (DecodedImage(pixels) for pixels in scenes())
    assert plain.segmentation is None and not plain.is_dataset_image
    assert photo.segmentation is not None and noise.segmentation is not None
    assert same.is_dataset_image
    assert photo.garment.any()


CUT_OUT = ImageSpec(110, color=True, crop="cut-out")


def test_a_garment_is_cut_out_in_color_with_a_margin() -> None:
    plain, photo, *_ = (DecodedImage(pixels) for pixels in scenes())
    for decoded in (plain, photo):
        image = decoded.preprocess(CUT_OUT)
        inside = np.any(image < 250, axis=2)
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        assert 98 <= rows[-1] - rows[0] + 1 <= 100 and 4 <= rows[0] <= 6
        assert abs(columns[0] + columns[-1] - 109) <= 2 and not inside.all()
        middle = image[55, 55].astype(int)
        assert middle[2] - middle[0] > 30  # the garment is blue
    assert (photo.preprocess(CUT_OUT)[:4] == 255).all()


def test_both_views_lie_one_above_the_other() -> None:
    both = ImageSpec(64, color=True, crop="both")
    assert both.image_shape == (128, 64, 3) == both.input_shape
    for pixels in scenes()[:2]:
        decoded = DecodedImage(pixels)
        garment, whole = (ImageSpec(64, color=True, crop=crop) for crop in ("cut-out", "none"))
        image = decoded.preprocess(both)
        np.testing.assert_array_equal(image[:64], decoded.preprocess(garment))
        np.testing.assert_array_equal(image[64:], decoded.preprocess(whole))
    (entry,) = separate_garments(segment_garment(scenes()[1]).mask)
    image = decoded.preprocess_garment(entry, both)
    np.testing.assert_array_equal(image[:64], decoded.preprocess_garment(entry, garment))
    np.testing.assert_array_equal(image[64:], decoded.preprocess_garment(entry, whole))
    with pytest.raises(UsageError, match="crop=both makes color images"):
        ImageSpec(64, crop="both")
    with pytest.raises(UsageError, match="expected garment or cut-out or none"):
        get_recipe("transfer", crop="both")


def test_an_image_of_the_data_set_is_cut_out_dark_on_white() -> None:
    image = scenes()[-1]
    negative = DecodedImage(image).preprocess(CUT_OUT)
    assert (negative[0, 0] == 255).all() and negative.min() < 100


def test_an_image_without_a_garment_is_cut_out_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Segmentation(np.zeros((96, 96), np.uint8), 0, 0.0)
    monkeypatch.setattr(preprocess, "segment_garment", lambda pixels: nothing)
    pixels = scenes()[2]  # noise, 80 x 120
    image = DecodedImage(pixels).preprocess(CUT_OUT)
    inside = np.any(image < 250, axis=2)
    assert inside.any(axis=0).sum() == 100 and 65 <= inside.any(axis=1).sum() <= 67


def test_an_image_is_segmented_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []
    real = segment_garment

    def counted(pixels: np.ndarray) -> object:
        calls.append(pixels.shape)
        return real(pixels)

    monkeypatch.setattr(preprocess, "segment_garment", counted)
    image = DecodedImage(scenes()[1])
    assert image.garment is image.preprocess(ImageSpec())
    assert image.segmentation is image.segmentation and len(calls) == 1


# The list of formats


def test_every_format_of_the_list_has_its_decoder() -> None:
    PillowImage.init()
    known = PillowImage.registered_extensions()
    assert len(SUFFIXES) == sum(len(entry.suffixes) for entry in IMAGE_FORMATS)
    for entry in IMAGE_FORMATS:
        if entry.extra:
            continue
        assert entry.name in PILLOW_FORMATS and entry.name in PillowImage.OPEN
        assert PillowImage.MIME[entry.name] == entry.media_type
        assert {known[suffix] for suffix in entry.suffixes} == {entry.name}


def test_the_server_and_its_page_accept_the_formats_of_browsers() -> None:
    from ankleboot.server.body_parser import IMAGE_TYPES

    accepted = {entry.media_type: entry.name for entry in IMAGE_FORMATS if entry.in_browsers}
    assert accepted == IMAGE_TYPES
    page = resources.files("ankleboot.web") / "server_page"
    (listed,) = re.findall(r"const RAW_TYPES = \[(.*?)\]", (page / "api_client.js").read_text())
    assert re.findall(r'"(.*?)"', listed) == list(accepted)


def test_the_page_offers_every_suffix_of_dropped_files() -> None:
    page = resources.files("ankleboot.web") / "server_page"
    (pattern,) = re.findall(r"const IMAGE_NAME = /(.*)/i;", (page / "dropped_files.js").read_text())
    assert all(re.search(pattern, f"boot{suffix}") for suffix in SUFFIXES)


def test_the_help_of_predict_names_every_format() -> None:
    from ankleboot.cli.predict import predict

    text = (predict.help or "").upper()
    names = {"HEIF": "HEIC"}
    assert all(names.get(entry.name, entry.name) in text for entry in IMAGE_FORMATS)


def test_images_of_the_data_set_are_not_searched() -> None:
    image = load_data("sample").test.images[0]
    pixels = np.repeat(image[..., None], 3, axis=2)
    decoded = DecodedImage(pixels)
    assert decoded.is_dataset_image and decoded.segmentation is None
    np.testing.assert_array_equal(decoded.garment, image)
    assert not DecodedImage(pixels[:, :27]).is_dataset_image
