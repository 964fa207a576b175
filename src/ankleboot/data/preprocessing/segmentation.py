"""Find the garment on a photograph: a small network of our own says what belongs to it.

    found = locate(pixels)
    found.mask          # (96, 96) uint8: 255 is surely garment
    found.reason        # why there is nothing to go on with, or None

The network (`tools/make_cut_out.py`) was trained without labels on photographs of single garments,
laid flat or hung up.
"""

import threading
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import UInt8

from ankleboot.core.types import Mask, Pixels
from ankleboot.data.preprocessing.garment import SURE, resize_lanczos
from ankleboot.models.files.checksums import read_verified_tflite
from ankleboot.models.pretrained.catalog import SEGMENTATION

SIDE = 192  # pixels of the square that the network sees
GRID = 96  # of its answer
MIN_AREA = 0.015  # share of the picture that is taken for a garment
SPECK_RATIO = 0.1  # share of the largest thing below which another one is left out
SECOND_OBJECT_RATIO = 0.5  # share of the largest thing from which on another one is counted


@dataclass(frozen=True)
class Segmentation:
    """What was found on a photograph.

    Attributes:
        mask: How surely each part of the picture, stretched to a square, belongs to a garment.
        things: Separate things of about the size of the largest; a pair of shoes may be two.
        share: Of the picture that is garment.
    """

    mask: Mask
    things: int
    share: float

    @property
    def reason(self) -> str | None:
        """Why there is nothing to go on with, in words."""
        return "no garment found on the photograph" if self.share < MIN_AREA else None


def segment_garment(pixels: Pixels) -> Segmentation:
    """Ask the network, and leave out what is small beside the largest thing it found.

    Raises:
        ModelError: If its file is damaged.
    """
    probs = _network().run(resize_lanczos(pixels, SIDE, SIDE))
    return remove_specks(np.rint(255 * probs).astype(np.uint8))


def remove_specks(mask: Mask) -> Segmentation:
    """Without specks: a speck at the border would be taken for the garment's end."""
    numbers = connected_components(mask >= SURE)
    names, areas = np.unique(numbers[numbers > 0], return_counts=True)
    if len(areas) == 0:
        return Segmentation(mask, 0, 0.0)
    kept = np.isin(numbers, names[areas >= SPECK_RATIO * areas.max()])
    things = int((areas >= SECOND_OBJECT_RATIO * areas.max()).sum())
    return Segmentation(np.where(_dilate(kept), mask, 0), things, float(kept.mean()))


class _Network:
    """One interpreter per thread: shared ones give wrong answers."""

    def __init__(self) -> None:
        self._flatbuffer, _ = read_verified_tflite(SEGMENTATION)
        self._local = threading.local()

    def run(self, square: UInt8[np.ndarray, "192 192 3"]) -> np.ndarray:
        if not hasattr(self._local, "interpreter"):
            from ai_edge_litert.interpreter import Interpreter

            from ankleboot.core.silence import silenced

            with silenced(show_failures=False):  # the first one of a process greets
                interpreter = Interpreter(model_content=self._flatbuffer, num_threads=1)
                interpreter.allocate_tensors()
            self._local.interpreter = interpreter
        interpreter = self._local.interpreter
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], square[None])
        interpreter.invoke()
        answer: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        first: np.ndarray = answer[0]
        return first


@cache
def _network() -> _Network:
    return _Network()


def connected_components(inside: np.ndarray) -> np.ndarray:
    """A number for each connected part (over the four sides) of a mask, 0 outside.

    Every cell takes the largest number in its part, passed on from neighbour to neighbour.
    """
    numbers = np.where(inside, np.arange(1, inside.size + 1).reshape(inside.shape), 0)
    while True:
        before = numbers
        numbers = np.where(inside, np.maximum.reduce(_around(numbers)), 0)
        if np.array_equal(numbers, before):
            return numbers


def _dilate(inside: np.ndarray) -> np.ndarray:
    """With the edge, where the network is not sure: two cells to each side."""
    for _ in range(2):
        inside = np.logical_or.reduce(_around(inside))
    return inside


def _around(cells: np.ndarray) -> list[np.ndarray]:
    """The cells and their neighbours over the four sides."""
    padded = np.pad(cells, 1)
    sides = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    return [cells, *sides]
