"""Segmentation of the garment on a photo by a small network.

The network (`tools/make_segmentation.py`) was trained without labels on photos of single garments,
laid flat or hung up.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ankleboot.core.types import Mask, Pixels
from ankleboot.data.preprocessing.garment import MASK_THRESHOLD, resize_lanczos
from ankleboot.models.files.litert_network import LiteRTNetwork
from ankleboot.models.pretrained.catalog import SEGMENTATION

INPUT_SIDE = 192  # pixels
MASK_SIDE = 96  # pixels
MIN_AREA_FRACTION = 0.015  # a smaller garment is a failure
SPECK_RATIO = 0.1  # a smaller component, relative to the largest, is removed
SECOND_OBJECT_RATIO = 0.5  # a component at least so large, relative to the largest, is counted
MAX_SEPARATE = 8  # garments of a photo that are predicted one by one; bounds the cost
EDGE_CELLS = 2  # cells around a component, whose edge is uncertain, that belong to it


@dataclass(frozen=True)
class Segmentation:
    """Garment on a photo.

    Attributes:
        mask: Certainty, to 255, that a pixel shows garment, on the photo stretched to 96 x 96.
        num_objects: Number of components about as large as the largest; shoes may be two.
        area_fraction: Fraction of the photo that is garment.
    """

    mask: Mask
    num_objects: int
    area_fraction: float

    @property
    def failure(self) -> str | None:
        """Reason why there is no usable garment, or None."""
        is_missing = self.area_fraction < MIN_AREA_FRACTION
        return "no garment found on the photo" if is_missing else None


@dataclass(frozen=True)
class Box:
    """Rectangle on a photo, in fractions of the photo's width and height.

    The photo is the upright one, and the fractions hold for a reduced copy of it, too.
    """

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class SeparateGarment:
    """One of several garments that lie apart: its box, and a mask that shows it alone."""

    box: Box
    mask: Mask


def segment_garment(pixels: Pixels) -> Segmentation:
    """Segment the garment, and remove what is small beside the largest component.

    Raises:
        ModelError: If the network's file is damaged.
    """
    probs = _network()(resize_lanczos(pixels, INPUT_SIDE, INPUT_SIDE))
    return remove_specks(np.rint(255 * probs).astype(np.uint8))


def remove_specks(mask: Mask) -> Segmentation:
    """Clear small components, which would extend the garment to themselves."""
    components = connected_components(mask >= MASK_THRESHOLD)
    numbers, areas = np.unique(components[components > 0], return_counts=True)
    if len(areas) == 0:
        return Segmentation(mask, 0, 0.0)
    kept = np.isin(components, numbers[areas >= SPECK_RATIO * areas.max()])
    num_objects = int((areas >= SECOND_OBJECT_RATIO * areas.max()).sum())
    return Segmentation(np.where(_with_edge(kept), mask, 0), num_objects, float(kept.mean()))


def separate_garments(mask: Mask) -> list[SeparateGarment]:
    """Return the components that `num_objects` counts, from left to right, at most `MAX_SEPARATE`.

    Of more components the largest remain.
    """
    components = connected_components(mask >= MASK_THRESHOLD)
    numbers, areas = np.unique(components[components > 0], return_counts=True)
    is_counted = areas >= SECOND_OBJECT_RATIO * areas.max(initial=0)
    order = np.argsort(-areas[is_counted], kind="stable")[:MAX_SEPARATE]
    garments = [_separate(mask, components == n) for n in numbers[is_counted][order]]
    return sorted(garments, key=lambda garment: (garment.box.left, garment.box.top))


def _separate(mask: Mask, inside: np.ndarray) -> SeparateGarment:
    """Return one component with its edge, without the cells of others."""
    alone = _with_edge(inside) & (inside | (mask < MASK_THRESHOLD))
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    height, width = mask.shape
    box = Box(
        left=columns[0].item() / width,
        top=rows[0].item() / height,
        width=(columns[-1] + 1 - columns[0]).item() / width,
        height=(rows[-1] + 1 - rows[0]).item() / height,
    )
    return SeparateGarment(box, np.where(alone, mask, 0))


def _with_edge(inside: np.ndarray) -> np.ndarray:
    for _ in range(EDGE_CELLS):
        inside = np.logical_or.reduce(_with_neighbors(inside))
    return inside


@cache
def _network() -> LiteRTNetwork:
    return LiteRTNetwork(SEGMENTATION)


def connected_components(inside: np.ndarray) -> np.ndarray:
    """Number the connected components (over the four sides) of a mask; 0 is outside.

    Every cell takes the largest number of its component, passed on from neighbor to neighbor.
    """
    numbers = np.where(inside, np.arange(1, inside.size + 1).reshape(inside.shape), 0)
    while True:
        previous = numbers
        numbers = np.where(inside, np.maximum.reduce(_with_neighbors(numbers)), 0)
        if np.array_equal(numbers, previous):
            return numbers


def _with_neighbors(cells: np.ndarray) -> list[np.ndarray]:
    """Return the cells and their neighbors over the four sides."""
    padded = np.pad(cells, 1)
    sides = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    return [cells, *sides]
