"""Segmentation of the garment on a photo."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from ankleboot.core.errors import ModelError
from ankleboot.data.preprocessing.segmentation import (
    MAX_SEPARATE,
    Box,
    connected_components,
    remove_specks,
    segment_garment,
    separate_garments,
)
from ankleboot.evaluation import grabcut
from ankleboot.models.pretrained.catalog import SEGMENTATION
from helpers.images import garments_apart, scene


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
    assert empty.num_objects == 0 and empty.failure == "no garment found on the photo"


def covered(box: Box, mask: np.ndarray) -> float:
    """Return the intersection over union of a box and the bounding box of a mask."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inside = np.zeros(mask.shape, bool)
    wanted = np.zeros(mask.shape, bool)
    wanted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    top, left = round(box.top * height), round(box.left * width)
    inside[top:, left:] = True
    inside[top + round(box.height * height) :] = False
    inside[:, left + round(box.width * width) :] = False
    return float((inside & wanted).sum() / (inside | wanted).sum())


@pytest.mark.parametrize("indices", [(0, 1), (2, 4), (0, 1, 4)])
def test_garments_apart_have_a_box_each(indices: tuple[int, ...]) -> None:
    pixels, masks = garments_apart(indices)
    found = separate_garments(segment_garment(pixels).mask)
    assert len(found) == len(indices)
    for garment, mask in zip(found, masks, strict=True):
        assert covered(garment.box, mask) > 0.75
        assert grabcut.overlap(enlarged(garment.mask, pixels.shape[1::-1]), mask) > 0.65


BLOCKS = st.lists(
    st.tuples(*[st.integers(0, 95)] * 2, *[st.integers(1, 40)] * 2, st.integers(0, 255)),
    max_size=14,
)


@given(BLOCKS)
def test_the_separate_garments_are_those_that_are_counted(
    blocks: list[tuple[int, int, int, int, int]],
) -> None:
    drawn = np.zeros((96, 96), np.uint8)
    for top, left, height, width, value in blocks:
        drawn[top : top + height, left : left + width] = value
    segmentation = remove_specks(drawn)
    mask = segmentation.mask
    found = separate_garments(mask)
    assert len(found) == min(segmentation.num_objects, MAX_SEPARATE)
    order = [(garment.box.left, garment.box.top) for garment in found]
    assert order == sorted(order)
    certain = sum((garment.mask >= 128).astype(int) for garment in found)
    assert np.max(certain) <= 1  # no garment shows another one
    for garment in found:
        box, inside = garment.box, garment.mask >= 128
        assert min(box.left, box.top) >= 0 < min(box.width, box.height)
        assert max(box.left + box.width, box.top + box.height) <= 1 + 1e-9
        assert covered(box, inside) == 1
        assert len(np.unique(connected_components(inside))) == 1 + (not inside.all())
        assert (garment.mask <= mask).all()
    again = separate_garments(mask.copy())
    assert [garment.box for garment in again] == [garment.box for garment in found]


def test_a_small_component_has_no_box() -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[10:50, 10:50] = 255  # 1600 cells
    mask[60:80, 50:89] = 255  # 780, less than half
    [garment] = separate_garments(remove_specks(mask).mask)
    assert garment.box == Box(10 / 96, 10 / 96, 40 / 96, 40 / 96)
    mask[80, 50:70] = 255  # 800
    assert len(separate_garments(remove_specks(mask).mask)) == 2


def test_of_many_components_the_largest_have_boxes() -> None:
    mask = np.zeros((96, 96), np.uint8)
    for number in range(12):
        top, left = 24 * (number // 4), 24 * (number % 4)
        mask[top : top + 16, left : left + (12 if number % 3 == 0 else 20)] = 255
    assert remove_specks(mask).num_objects == 12
    found = separate_garments(mask)
    assert len(found) == MAX_SEPARATE and {garment.box.width for garment in found} == {20 / 96}


def test_garments_that_touch_are_one() -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[10:50, 10:40] = mask[10:50, 44:80] = 255
    assert len(separate_garments(mask)) == 2
    mask[30, 40:44] = 255
    [garment] = separate_garments(mask)
    assert garment.box == Box(10 / 96, 10 / 96, 70 / 96, 40 / 96)


def test_a_garment_has_its_soft_edge_and_none_of_its_neighbor() -> None:
    mask = np.full((96, 96), 60, np.uint8)
    mask[10:50, 10:40] = mask[10:50, 41:80] = 255  # one cell apart
    left, right = separate_garments(mask)
    assert left.mask[20, 8] == left.mask[20, 40] == 60 and left.mask[20, 7] == 0
    assert left.mask[20, 41] == right.mask[20, 39] == 0


def test_no_garment_has_no_box() -> None:
    assert separate_garments(np.full((96, 96), 100, np.uint8)) == []


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
