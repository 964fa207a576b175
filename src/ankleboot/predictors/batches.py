"""Many images through a function that takes some at a time, and the shapes that are agreed on."""

from collections.abc import Callable, Sequence

import numpy as np

from ankleboot.arrays import IMAGE_SIZE, NUM_CLASSES, Images, Probs
from ankleboot.errors import ModelError

INPUT_SHAPE = (IMAGE_SIZE, IMAGE_SIZE)  # of one image
OUTPUT_SHAPE = (NUM_CLASSES,)


def in_batches(images: Images, size: int, predict: Callable[[Images], Probs]) -> Probs:
    """Predict `size` images at a time and join the answers."""
    rows = [predict(images[start : start + size]) for start in range(0, len(images), size)]
    return np.concatenate(rows) if rows else np.zeros((0, NUM_CLASSES), np.float32)


def check_shapes(
    path: object,
    input_: tuple[Sequence[int], object],
    output: tuple[Sequence[int], object],
    *,
    wanted_input: tuple[Sequence[int], object] = (INPUT_SHAPE, "uint8"),
) -> None:
    """Refuse a model whose shapes (without the batch) or types are not the agreed ones.

    Raises:
        ModelError: Naming both.
    """
    got = [(tuple(shape), str(kind)) for shape, kind in (input_, output)]
    wanted = [(tuple(wanted_input[0]), wanted_input[1]), (OUTPUT_SHAPE, "float32")]
    if got != wanted:
        raise ModelError(
            f"{path}: expected input {wanted[0]} and output {wanted[1]}, got {got[0]} and {got[1]}"
        )
