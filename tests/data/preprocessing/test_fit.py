"""Tall and wide photos become squares in one of three ways."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageOps

from ankleboot.core.errors import UsageError
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.fit import BAND_VALUE, fit_to_square
from ankleboot.data.preprocessing.preprocess import DecodedImage, load_image
from ankleboot.recipes.image_spec import FITS, ImageSpec
from helpers.images import write_image_folder

SIDE = 64
ROUNDING = 6  # Pillow chooses which axis comes first; overshoot at hard edges shows it
SHAPES = ((100, 300), (300, 100), (128, 384), (32, 96))


def photo(height: int, width: int) -> np.ndarray:
    """A smooth photo with a round disk in the middle."""
    rows, columns = np.mgrid[:height, :width]
    radius = 0.4 * min(height, width)
    disk = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < radius**2
    slope = np.stack([rows * 90 / height, columns * 90 / width, rows * 0 + 40.0], axis=-1)
    return np.where(disk[..., None], 230, slope).astype(np.uint8)


def disk_sides(square: np.ndarray) -> tuple[int, int]:
    """Height and width of the disk."""
    bright = square.min(axis=-1) > 180
    return int(bright.any(axis=1).sum()), int(bright.any(axis=0).sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_letterbox_keeps_all_of_the_photo_between_gray_bands(shape: tuple[int, int]) -> None:
    pixels = photo(*shape)
    square = fit_to_square(pixels, SIDE, "letterbox")
    assert square.shape == (SIDE, SIDE, 3) and square.dtype == np.uint8
    kind = PillowImage.Resampling.LANCZOS
    inside = np.asarray(ImageOps.contain(PillowImage.fromarray(pixels), (SIDE, SIDE), kind))
    expected = np.full((SIDE, SIDE, 3), BAND_VALUE)
    top, left = ((SIDE - side) // 2 for side in inside.shape[:2])
    expected[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    assert np.abs(square - expected).max() <= ROUNDING
    short = round(SIDE * min(shape) / max(shape))
    is_band = (square == BAND_VALUE).all(axis=(1 if shape[0] < shape[1] else 0, 2))
    assert is_band.sum() == SIDE - short


@pytest.mark.parametrize("shape", SHAPES)
def test_a_crop_is_the_square_in_the_middle(shape: tuple[int, int]) -> None:
    pixels = photo(*shape)
    square = fit_to_square(pixels, SIDE, "crop")
    kind = PillowImage.Resampling.LANCZOS
    expected = np.asarray(ImageOps.fit(PillowImage.fromarray(pixels), (SIDE, SIDE), kind))
    assert (
        square.shape == (SIDE, SIDE, 3) and np.abs(square - expected.astype(int)).max() <= ROUNDING
    )


def test_only_stretching_makes_a_disk_an_ellipse() -> None:
    pixels = photo(100, 300)
    height, width = disk_sides(fit_to_square(pixels, SIDE, "stretch"))
    assert height / width == pytest.approx(3, rel=0.15)
    for fit in ("letterbox", "crop"):
        height, width = disk_sides(fit_to_square(pixels, SIDE, fit))
        assert abs(height - width) <= 1, fit


@pytest.mark.parametrize("color", [False, True])
def test_a_square_photo_is_the_same_in_every_fit(color: bool) -> None:
    decoded = DecodedImage(photo(90, 90))
    stretch, *others = (decoded.preprocess(ImageSpec(40, color, "none", fit)) for fit in FITS)
    for square in others:
        np.testing.assert_array_equal(square, stretch)


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 1), (2, 3)])
@pytest.mark.parametrize("fit", FITS)
def test_the_thinnest_photos_become_squares(fit: str, shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 200, np.uint8)
    for color, expected in ((True, (28, 28, 3)), (False, (28, 28))):
        square = DecodedImage(pixels).preprocess(ImageSpec(28, color, "none", fit))
        assert square.shape == expected and (square == 200).any()


def test_a_fit_needs_the_whole_photo() -> None:
    with pytest.raises(UsageError, match="for fit=letterbox set crop=none"):
        ImageSpec(fit="letterbox")
    with pytest.raises(UsageError, match="expected fit stretch or letterbox or crop, got fill"):
        ImageSpec(crop="none", fit="fill")


@pytest.mark.usefixtures("isolated_cache_dir")
def test_a_data_set_is_loaded_and_kept_with_its_fit(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 3, "dog": 3}, size=(32, 96))
    by_fit = {}
    for fit in (*FITS, "letterbox"):
        spec = ImageSpec(24, True, "none", fit)
        data = load_data(str(folder), image_spec=spec)
        names = data.train.names
        expected = [load_image(folder / name, spec) for name in names]
        np.testing.assert_array_equal(data.train.images, expected)
        by_fit[fit] = np.asarray(data.train.images)
    assert len({images.tobytes() for images in by_fit.values()}) == 3
