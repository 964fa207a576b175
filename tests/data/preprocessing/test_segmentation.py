"""Segmentation of the garment on a photo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from ankleboot.core.errors import ModelError
from ankleboot.data.preprocessing.segmentation import (
    connected_components,
    remove_specks,
    segment_garment,
)
from ankleboot.evaluation import grabcut
from ankleboot.models.pretrained.catalog import SEGMENTATION
from helpers.images import scene


def enlarged(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Picture.fromarray(mask).resize(size)) >= 128


@pytest.mark.parametrize("index", [0, 1, 2, 4, 9])
def test_the_garment_is_found(index: int) -> None:
    pixels, mask = scene(index)
    found = segment_garment(pixels)
    assert grabcut.overlap(enlarged(found.mask, (300, 400)), mask) > 0.8
    assert found.failure is None and found.num_objects >= 1
    assert found.area_fraction == pytest.approx(mask.mean(), abs=0.08)


def test_parts_are_joined_over_sides_and_not_over_corners() -> None:
    mask = np.zeros((96, 96), bool)
    mask[10:30, 10:30] = mask[50:70, 40:60] = mask[80, 80] = True
    mask[30:40, 29] = True  # joined over a side
    mask[40, 30] = True  # not over a corner
    numbers = connected_components(mask)
    assert ((numbers > 0) == mask).all()
    _, areas = np.unique(numbers[mask], return_counts=True)
    assert sorted(areas.tolist()) == [1, 1, 400, 410]
    assert not connected_components(np.zeros((96, 96), bool)).any()


def test_specks_are_left_out_and_things_are_counted() -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[10:50, 10:50] = 255
    mask[9, 10:50] = 90  # its soft edge
    mask[60:80, 20:60] = 200  # half as large
    mask[90:94, 90:94] = 255
    found = remove_specks(mask)
    assert found.num_objects == 2 and found.area_fraction == pytest.approx(2400 / 96**2)
    assert not found.mask[90:94, 90:94].any()
    np.testing.assert_array_equal(found.mask[:90], mask[:90])
    empty = remove_specks(np.full((96, 96), 100, np.uint8))
    assert empty.num_objects == 0 and empty.failure == "no garment found on the photograph"


def test_a_damaged_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ankleboot.data.preprocessing import segmentation as module

    content = bytearray(SEGMENTATION.read_bytes())
    content[1000] ^= 1
    (tmp_path / "cut_out.tflite").write_bytes(content)
    monkeypatch.setattr(module, "SEGMENTATION", tmp_path / "cut_out.tflite")
    module._network.cache_clear()
    with pytest.raises(ModelError, match="damaged"):
        segment_garment(scene(0)[0])
    module._network.cache_clear()
